import ArgumentParser
import Store
import Transport

extension StoreCommand {
    /// `martlet store snapshot`: a backup of a running cluster.
    struct Snapshot: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a snapshot of a running cluster, as a backup.",
            discussion: """
                The server of the kubeconfig, any member, gives what was committed at that
                moment, while it goes on serving. The file appears once all of it is there and
                has been read through; one that has the name already is replaced then.

                    martlet store snapshot /backups/monday.snap

                It holds every object, secrets too: keep it as you keep those. Keys and
                certificates of the cluster are not in it: back up pki/ of a data directory as
                well.
                """)
        @Argument(help: "The file to write.") var file: String
        @OptionGroup var server: ServerOption
        @Flag(help: "What was written, as JSON.") var json = false

        private static let progressInterval = Duration.seconds(2)
        /// What has so few bytes is there before anybody asks how far it is.
        private static let quietBytesMax = 16 << 20

        func run() async throws {
            let (report, isConfirmed) = try await server.exchange(.get, "snapshot") { response in
                try await take(response)
            }
            if !isConfirmed {
                LineLogHandler.say(
                    "No majority of the members answers, so this is what this member knows: others "
                        + "may have acknowledged more.")
            }
            guard !json else { return print(report.fields(isConfirmed: isConfirmed).object) }
            print(
                "\(file): revision \(report.revision), \(report.keys) keys, \(report.bytes) bytes")
        }

        private func take(_ response: HTTPClientResponse) async throws -> (LogReport, Bool) {
            let announced = response.headers[SnapshotHeader.bytes].flatMap { Int($0) }
            let progress = Progress(interval: Self.progressInterval)
            let arriving = try ArrivingBackup(file)
            do {
                while let chunk = try await response.body.next() {
                    try arriving.append(chunk)
                    guard let announced, announced > Self.quietBytesMax else { continue }
                    progress.say("\(arriving.bytes >> 20) of \(announced >> 20) MiB")
                }
            } catch let error as RequestBodyError {
                arriving.discard()
                throw StoreCommandError(
                    description: "the server broke the snapshot off after \(arriving.bytes) bytes "
                        + "(\(error)): take it again, or from another member")
            } catch {
                arriving.discard()
                throw error
            }
            return (
                try arriving.keep(), response.headers[SnapshotHeader.confirmed] != "false"
            )
        }
    }

    /// `martlet store verify`: reads a backup or a stopped member's files.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a snapshot, or a stopped member's store, from beginning to end.",
            discussion: """
                Says what is in it, or where it is damaged: file, offset and reason; the exit
                status is 1 then. Nothing is written.

                    martlet store verify /backups/monday.snap
                    martlet store verify martlet-data
                """)
        @Argument(help: "A snapshot, or the data directory of a member that is stopped.")
        var path: String
        @Flag(help: "What was found, as JSON; damage too.") var json = false

        func run() async throws {
            do throws(LogProblem) {
                let report = try OfflineLog.open(path).verify()
                if json { return print(report.fields(isConfirmed: nil).object) }
                print("\(path): whole")
                for line in TextTable.lines(report.rows) { print("  \(line)") }
            } catch {
                if json { print(error.fields.object) }
                throw error
            }
        }
    }
}

extension LogReport {
    /// Names and values, for people.
    var rows: [[String]] {
        var rows = [["cluster", "\(cluster)"]]
        if let takenAt { rows.append(["taken", takenAt.asTime]) }
        rows += members.map { member in
            let name = member.name.isEmpty ? "\(member.number)" : member.name
            return [
                "member",
                name + (member.isVoter ? "" : ", learner")
                    + (member.peerAddress.isEmpty ? "" : " at \(member.peerAddress)")
                    + (member.number == me ? ", whose log it is" : ""),
            ]
        }
        return rows + [
            ["segments", "\(segments)"], ["bytes", "\(bytes)"], ["records", "\(records)"],
            ["keys", "\(keys)"], ["bytes of keys and values", "\(liveBytes)"],
            ["leases", "\(leases)"], ["revision", "\(revision)"],
            ["compacted revision", "\(compacted)"], ["committed index", "\(committedIndex)"],
            ["last index", "\(lastIndex)"], ["last entry's term", "\(lastTerm)"],
            ["term", "\(term)"],
        ]
    }

    func fields(isConfirmed: Bool?) -> JSONFields {
        var fields = JSONFields()
        fields.add("whole", true)
        if let isConfirmed { fields.add("confirmed", isConfirmed) }
        fields.add("cluster", "\(cluster)")
        fields.add("me", "\(me)")
        if let takenAt { fields.add("taken", takenAt.asTime) }
        fields.add(
            "members",
            json: JSONFields.list(
                members.map { member in
                    var fields = JSONFields()
                    fields.add("id", "\(member.number)")
                    fields.add("name", member.name)
                    fields.add("peer", member.peerAddress)
                    fields.add("voter", member.isVoter)
                    return fields.object
                }))
        let numbers = [
            ("segments", segments), ("bytes", bytes), ("records", records), ("keys", keys),
            ("liveBytes", liveBytes), ("leases", leases),
        ]
        for (name, number) in numbers { fields.add(name, number) }
        fields.add("revision", revision.number)
        fields.add("compactedRevision", compacted.number)
        fields.add("committedIndex", committedIndex)
        fields.add("lastIndex", lastIndex)
        fields.add("lastTerm", lastTerm)
        fields.add("term", term)
        return fields
    }
}

extension LogProblem {
    var fields: JSONFields {
        var fields = JSONFields()
        fields.add("whole", false)
        fields.add("damaged", kind == .damaged)
        fields.add("file", file)
        if let offset { fields.add("offset", offset) }
        fields.add("reason", reason)
        fields.add("remedy", remedy)
        return fields
    }
}
