import ArgumentParser
import Glibc
import Store
import StoreCore

extension StoreCommand {
    /// `martlet store salvage`: a log that starts, of what can be read of one that does not.
    struct SalvageLog: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "salvage",
            abstract: "Go on with what can be read, when a member that is alone has a damaged log.",
            discussion: """
                For when the server refuses to start as its log is damaged, no other member has
                the log, and no snapshot is new enough. It says what can be read and what is
                lost, key by key as far as anything tells, and asks before it changes anything:

                    martlet store salvage --data-dir martlet-data
                    martlet serve --data-dir martlet-data

                What validates is taken, record by record; one flipped bit is put right. An
                object whose newest state is damaged goes back to the newest that can be read;
                one that was deleted stays deleted. Damage in what is out of date costs
                nothing. Revisions go on far above, and older ones are given up: clients that
                watch are told to list again.

                Nothing is deleted. What was there before is kept in log/before-salvage-N of
                the data directory, which verify, dump and salvage can read. The new log is
                written and read through before it takes the place of the old one, which
                happens at once or not at all; the disk needs room for both.

                Of three members or more, a damaged one is let in anew when it is started. Of
                several that are damaged, salvage one, and let the others join it anew.
                """)
        @Option(help: "The data directory of the member. It must be stopped.")
        var dataDir = "martlet-data"
        @Option(help: "How many revisions to leave out after the log's.")
        var bumpRevision = Restoration.revisionsSkippedDefault
        @Flag(help: "Do it without asking.") var yes = false
        @Flag(help: "What was found, as JSON; without --yes nothing is changed.") var json = false

        private static let progressInterval = Duration.seconds(2)
        /// So few segments are read before anybody asks how far it is.
        private static let quietReadsMax = 16

        func run() async throws {
            guard bumpRevision >= 0 else {
                throw SettingError("--bump-revision", "takes 0 or more, not \(bumpRevision)")
            }
            let path = Files.exists(dataDir + "/log") ? dataDir + "/log" : dataDir
            let progress = Progress(interval: Self.progressInterval)
            let salvage = try Salvage(directory: path) { done, total in
                if total > Self.quietReadsMax { progress.say("read \(100 * done / total) %") }
            }
            let report = salvage.report
            guard report.problem != nil else {
                if json { return print(report.fields(of: nil).object) }
                return print("\(path): whole, and starts; nothing to do")
            }
            if json, !yes { return print(report.fields(of: nil).object) }
            if !json { for line in report.explanation { print(line) } }
            guard yes || isWanted() else {
                throw StoreCommandError(description: "Nothing was changed")
            }
            let made = try salvage.run(skipping: bumpRevision) { done, total in
                if done < total { progress.say("\(done) of about \(total) keys") }
            }
            guard !json else { return print(report.fields(of: made).object) }
            print("\(path): \(made.keys) keys, revision \(made.revision), cluster \(made.cluster)")
            print("What was there before is kept in \(made.aside)")
            print(
                "Start it with: martlet serve --data-dir \(dataDir), and --name and --peer-listen "
                    + "if others are to join")
        }

        private func isWanted() -> Bool {
            print("Make a log of what is left? Type yes: ", terminator: "")
            fflush(nil)
            return readLine() == "yes"
        }
    }
}

extension SalvageReport {
    /// Keys that are named where people read it.
    private static let keysShownMax = 100

    fileprivate var explanation: [String] {
        var lines: [String] = []
        if let problem { lines.append("\(problem.place): \(problem.reason).") }
        for (number, place) in places.enumerated() {
            lines += ["", "\(number + 1). \(place.text)", "   \(place.outcome)"]
        }
        if !keys.isEmpty { lines += [""] + keyLines }
        lines.append("")
        lines.append(
            "What is left: \(keysLeft) keys" + (leases > 0 ? ", \(leases) leases" : "")
                + ", up to revision \(revision)." + (losesNothing ? " That is all there was." : ""))
        if keysKeptDeleted > 0 {
            lines.append("Keys that were deleted in a damaged place, and stay so: \(keysKeptDeleted).")
        }
        if leasesLost > 0 {
            lines.append(
                "Keys whose lease is lost, and which stay until somebody deletes them: \(leasesLost).")
        }
        if mayHideMore {
            lines.append(
                "Where nothing tells of all that was changed, what was changed goes back to an older "
                    + "state, and what was deleted may be back, without being named here. An earlier "
                    + "snapshot may show more: martlet store dump.")
        }
        if members.count > 1 { lines += [""] + memberLines }
        return lines
    }

    private var keyLines: [String] {
        let rows = keys.prefix(Self.keysShownMax).map { key in
            [
                String(decoding: key.key, as: UTF8.self), "\(key.lost)",
                key.left.map { "\($0)" } ?? "gone", key.place.map { "\($0 + 1)" } ?? "",
            ]
        }
        let lines = TextTable.lines([["KEY", "LOST REVISION", "LEFT", "PLACE"]] + rows)
        guard keysLost > rows.count else { return lines }
        return lines + ["... and \(keysLost - rows.count) more; --json names up to 10000"]
    }

    private var memberLines: [String] {
        TextTable.lines(
            [["NAME", "ROLE", "PEER", "ID"]]
                + members.map { member in
                    [
                        member.name, member.isVoter ? "voter" : "learner", member.peerAddress,
                        "\(member.number)" + (member.number == me ? " (this one)" : ""),
                    ]
                }) + [
                    "If another member can be started, do not do this: it has all of it. Else this "
                        + "one will be the only member, and the others must not be started again "
                        + "with their data."
                ]
    }

    /// - Parameter made: What was done; nil if nothing was.
    fileprivate func fields(of made: Salvage.Made?) -> JSONFields {
        var fields = JSONFields()
        fields.add("whole", problem == nil)
        fields.add("done", made != nil)
        fields.add("losesNothing", losesNothing)
        fields.add("mayHideMore", mayHideMore)
        fields.add("places", json: JSONFields.list(places.map(\.fields.object)))
        fields.add("keys", json: JSONFields.list(keys.map(\.fields.object)))
        let numbers = [
            ("keysLost", keysLost), ("keysKeptDeleted", keysKeptDeleted),
            ("leasesLost", leasesLost), ("keysLeft", keysLeft), ("leases", leases),
        ]
        for (name, number) in numbers { fields.add(name, number) }
        fields.add("revision", made?.revision.number ?? revision.number)
        if let made {
            fields.add("cluster", "\(made.cluster)")
            fields.add("aside", made.aside)
        }
        return fields
    }
}

extension SalvageReport.Place {
    fileprivate var text: String {
        guard let range else { return "\(file): \(reason)." }
        var words = kinds.isEmpty ? [] : [Set(kinds).map(\.name).sorted().joined(separator: ", ")]
        if let revisions {
            let (first, last) = (revisions.lowerBound, revisions.upperBound)
            words.append(first == last ? "revision \(first)" : "revisions \(first) to \(last)")
        }
        let what = words.isEmpty ? "" : " (\(words.joined(separator: "; ")))"
        return "\(file), offset \(range.lowerBound), \(range.count) bytes: \(reason)\(what)."
    }

    fileprivate var outcome: String {
        if isMended { return "One bit was flipped, and is known: nothing is lost." }
        var sentences: [String] = []
        if keys == 1 { sentences.append("One key loses its newest change.") }
        if keys > 1 { sentences.append("\(keys) keys lose their newest change.") }
        if mayHideMore { sentences.append("Nothing tells of all that was changed here.") }
        return sentences.isEmpty ? "Nothing is lost." : sentences.joined(separator: " ")
    }

    fileprivate var fields: JSONFields {
        var fields = JSONFields()
        fields.add("file", file)
        if let range {
            fields.add("offset", range.lowerBound)
            fields.add("bytes", range.count)
        }
        fields.add("reason", reason)
        fields.add("repaired", isMended)
        fields.add(
            "records", json: JSONFields.list(kinds.map { JSONFields.quoted($0.name) }))
        if let revisions {
            fields.add("firstRevision", revisions.lowerBound.number)
            fields.add("lastRevision", revisions.upperBound.number)
        }
        fields.add("keysLost", keys)
        fields.add("mayHideMore", mayHideMore)
        return fields
    }
}

extension SalvageReport.Key {
    fileprivate var fields: JSONFields {
        var fields = JSONFields()
        fields.add("key", String(decoding: key, as: UTF8.self))
        fields.add("lostRevision", lost.number)
        if let left { fields.add("leftRevision", left.number) }
        if let place { fields.add("place", place) }
        return fields
    }
}
