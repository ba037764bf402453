import ArgumentParser
import Glibc
import Joining
import Store

extension StoreCommand {
    /// `martlet store restore`: a new cluster of what a backup holds.
    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the store of a new cluster from a snapshot.",
            discussion: """
                The data directory must have no store yet. Alone, the new cluster has one
                member:

                    martlet store restore backup.snap --data-dir martlet-data
                    martlet serve --data-dir martlet-data

                With several, each makes its own store of the same file, with the same words
                but for its name, and is started with the same --initial-cluster:

                    martlet store restore backup.snap --data-dir data-1 --name n1 \\
                        --initial-cluster n1=https://10.0.0.1:6480,n2=https://10.0.0.2:6480,...

                Members of the old cluster are not listened to. Revisions go on far above the
                snapshot's, as clients may have seen some after it, and older ones are given
                up: clients that watch are told to list again. Copy the old pki/ into the data
                directory first, or the first start makes another CA, and certificates and
                tokens of the old cluster are void.
                """)
        @Argument(help: "A snapshot that martlet store snapshot has written.") var file: String
        @Option(help: "Where the new member keeps everything; its store is log/ in there.")
        var dataDir = "martlet-data"
        @Option(help: "This member's name, one of --initial-cluster. The default is the host's.")
        var name: String?
        @Option(help: "Members of the new cluster: n1=https://10.0.0.1:6480,n2=...")
        var initialCluster: String?
        @Option(help: "Any word, the same for all: makes another cluster of the same snapshot.")
        var initialClusterToken = ""
        @Option(help: "How many revisions to leave out after the snapshot's.")
        var bumpRevision = Restoration.revisionsSkippedDefault

        private static let progressInterval = Duration.seconds(2)

        func run() async throws {
            guard bumpRevision >= 0 else {
                throw SettingError("--bump-revision", "takes 0 or more, not \(bumpRevision)")
            }
            let founders = try founders()
            let progress = Progress(interval: Self.progressInterval)
            do throws(FileError) { try Files.makeDirectory(dataDir) } catch {
                throw SettingError("--data-dir", "\(error)")
            }
            let made = try Restoration(
                founders: founders.map {
                    .init(name: $0.name, peerAddress: $0.address.description)
                },
                name: name ?? Settings.hostName, token: initialClusterToken,
                revisionsSkipped: bumpRevision
            ).run(from: OfflineLog.openBackup(file), to: dataDir + "/log") { done, total in
                if done < total { progress.say("\(done) of about \(total) keys") }
            }
            print(
                "\(dataDir)/log: \(made.keys) keys, revision \(made.revision), "
                    + "cluster \(made.cluster)")
            print(next(founders))
            guard !Files.exists(dataDir + "/pki/ca.key") else { return }
            LineLogHandler.say(
                "\(dataDir)/pki has no CA: the next start makes one, unless the old cluster's is "
                    + "copied there before.")
        }

        private func next(_ founders: [InitialCluster.Member]) -> String {
            guard let initialCluster else {
                return "Start it with: martlet serve --data-dir \(dataDir)"
            }
            let word = founders.count > 1 ? " --join-token WORD" : ""
            return "When every member has done the same, start each with: "
                + "martlet serve --data-dir \(dataDir) --name \(name ?? Settings.hostName) "
                + "--initial-cluster \(initialCluster)\(word)"
        }

        private func founders() throws(SettingError) -> [InitialCluster.Member] {
            guard let text = initialCluster else {
                guard name == nil, initialClusterToken.isEmpty else {
                    throw SettingError(
                        "--initial-cluster", "is needed with --name and --initial-cluster-token")
                }
                return []
            }
            let cluster: InitialCluster
            do throws(InitialClusterError) { cluster = try InitialCluster(text) } catch {
                throw SettingError("--initial-cluster", error.description)
            }
            guard cluster[name ?? Settings.hostName] != nil else {
                throw SettingError(
                    "--name", "\(name ?? Settings.hostName) is none of --initial-cluster")
            }
            return cluster.members
        }
    }

    /// `martlet store recover`: goes on with one member when the others are gone for good.
    struct Recover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a stopped member the only one, when the others are gone for good.",
            discussion: """
                For when a majority is lost and cannot be brought back. The member keeps all
                that its log has, and becomes the only one of a new cluster; it says first
                what may be lost. Revisions go on far above, as clients may have seen some
                that are lost, and older ones are given up: clients that watch are told to
                list again.

                    martlet store recover --data-dir martlet-data
                    martlet serve --data-dir martlet-data --name n1 --peer-listen 10.0.0.1:6480
                    martlet store member add n2     # and start n2 with an empty data directory

                Of several that are left, martlet store verify tells which to take: the one
                whose last entry has the highest term, and of those the one with the highest
                last index. The others must not run again with what they have: they are not
                listened to, but two of three would go on as the old cluster.
                """)
        @Option(help: "The data directory of the member that is left. It must be stopped.")
        var dataDir = "martlet-data"
        @Option(help: "How many revisions to leave out after the log's.")
        var bumpRevision = Restoration.revisionsSkippedDefault
        @Flag(help: "Do it without asking.") var yes = false

        func run() async throws {
            guard bumpRevision >= 0 else {
                throw SettingError("--bump-revision", "takes 0 or more, not \(bumpRevision)")
            }
            let survival = try Survival(directory: dataDir + "/log")
            let finding = survival.finding
            guard !finding.isAlone else {
                _ = try survival.run()  // An interrupted call may have left a little to do.
                return print("\(dataDir)/log: this is the only member already; nothing to do")
            }
            for line in Self.explanation(finding) { print(line) }
            guard yes || isWanted(finding) else {
                throw StoreCommandError(description: "Nothing was changed")
            }
            let cluster = try survival.run(skipping: bumpRevision)
            print("\(dataDir)/log: \(finding.shown) is the only member of cluster \(cluster) now")
            print(
                "Start it with: martlet serve --data-dir \(dataDir), and --name and --peer-listen "
                    + "if others are to join")
        }

        private static func explanation(_ finding: Survival.Finding) -> [String] {
            var lines = TextTable.lines(
                [["NAME", "ROLE", "PEER", "ID"]]
                    + finding.members.map { member in
                        [
                            member.name, member.isVoter ? "voter" : "learner", member.peerAddress,
                            "\(member.number)" + (member.number == finding.me ? " (this one)" : ""),
                        ]
                    })
            lines.append("")
            lines.append(
                "The log of \(finding.shown) reaches entry \(finding.lastIndex), revision "
                    + "\(finding.revision) or later, and knows that entries up to "
                    + "\(finding.committedIndex) are committed.")
            if finding.lastIndex > finding.committedIndex {
                lines.append(
                    "What comes after \(finding.committedIndex) may or may not have been "
                        + "acknowledged; it is kept, and counts from then on.")
            }
            lines.append(
                "What the others have acknowledged without this member is lost, and nothing here "
                    + "can tell whether there is any.")
            lines.append(
                "The others must not be started again with their data: as a majority they would go "
                    + "on as the old cluster.")
            return lines
        }

        private func isWanted(_ finding: Survival.Finding) -> Bool {
            print("Make \(finding.shown) the only member? Type yes: ", terminator: "")
            fflush(nil)
            return readLine() == "yes"
        }
    }
}

extension Survival.Finding {
    fileprivate var shown: String { name.isEmpty ? "member \(me)" : name }
}
