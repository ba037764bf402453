import ArgumentParser
import KubeClient
import Store
import Transport
import Wire

/// `martlet store`: asks a running member how its store stands, and changes who belongs to it.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Look at the store, change its members, back it up and bring it back.",
        discussion: """
            These ask the server of a kubeconfig; changes are for the member that leads:

                martlet store status
                martlet store member add n4     # prints what to start n4 with
                martlet store snapshot backup.snap

            These read and write files, and need no server:

                martlet store verify backup.snap
                martlet store restore backup.snap --data-dir martlet-data
                martlet store recover --data-dir martlet-data     # of one member that is left
                martlet store salvage --data-dir martlet-data     # of a log that is damaged
                martlet store dump backup.snap --prefix /registry/
            """,
        subcommands: [
            Status.self, Member.self, Transfer.self, Compact.self, Snapshot.self, Verify.self,
            Restore.self, Recover.self, SalvageLog.self, Dump.self,
        ])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Who belongs to the cluster, and how far it is.")
        @OptionGroup var server: ServerOption
        @Flag(help: "The answer as JSON.") var json = false

        func run() async throws {
            let answer = try await server.ask(.get, "status")
            guard !json else { return print(answer.text) }
            print("revision \(answer["revision"])  log \(answer["logBytes"]) bytes"
                + (answer["term"].isEmpty ? "" : "  term \(answer["term"])"))
            if let line = Self.comparison(answer) { print(line) }
            for row in Self.rows(answer.list("members")) { print(row) }
        }

        /// What is known of whether members hold the same. The leader compares them.
        private static func comparison(_ answer: StoreAnswer) -> String? {
            let (revision, differences) = (answer["comparedRevision"], answer["differencesFound"])
            if !differences.isEmpty, differences != "0" {
                return "findings of members that differ: \(differences) (see the log)"
            }
            guard !revision.isEmpty, revision != "0" else { return nil }
            return "a majority holds the same at revision \(revision)"
        }

        /// The members as a table.
        private static func rows(_ members: [StoreAnswer]) -> [String] {
            guard !members.isEmpty else { return ["one member, which expects no others"] }
            return TextTable.lines(
                [["NAME", "ROLE", "PEER", "ID"]] + members.map { member in
                    let role = member["leader"] == "true" ? "leader"
                        : member["voter"] == "true" ? "voter" : "learner"
                    return [member["name"], role, member["peer"], member["id"]]
                })
        }
    }

    struct Member: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add, promote and remove members.",
            subcommands: [Add.self, Promote.self, Remove.self])

        struct Add: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Make a token that lets a member of that name in, once, within an hour.")
            @Argument(help: "The new member's name.") var name: String
            @OptionGroup var server: ServerOption

            func run() async throws {
                let path = "members?name=\(try ServerOption.word(name))"
                let answer = try await server.ask(.post, path)
                print("""
                    Start the new member with:

                        martlet serve --name \(name) --join \(answer["join"]) \\
                            --join-token \(answer["token"]) --peer-listen ADDRESS:PORT

                    It gets the log first, and votes once it has caught up.
                    """)
            }
        }

        struct Promote: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Let a member vote. The leader does so by itself once it has caught up.")
            @Argument(help: "The member's name.") var name: String
            @OptionGroup var server: ServerOption

            func run() async throws {
                _ = try await server.ask(.post, "members/\(try ServerOption.word(name))/promote")
            }
        }

        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Remove a member, for good.")
            @Argument(help: "The member's name.") var name: String
            @OptionGroup var server: ServerOption

            func run() async throws {
                _ = try await server.ask(.delete, "members/\(try ServerOption.word(name))")
            }
        }
    }

    struct Transfer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let another member lead.")
        @Argument(help: "Its name; whoever has most of the log if none is given.") var name: String?
        @OptionGroup var server: ServerOption

        func run() async throws {
            let query = try name.map { "?to=\(try ServerOption.word($0))" } ?? ""
            _ = try await server.ask(.post, "leader\(query)")
        }
    }

    struct Compact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give up the history of objects; watches that are behind begin anew.")
        @OptionGroup var server: ServerOption

        func run() async throws { _ = try await server.ask(.post, "compact") }
    }
}

/// Which server to ask.
struct ServerOption: ParsableArguments {
    @Option(help: "A kubeconfig of somebody in system:masters.")
    var kubeconfig = "martlet-data/admin.kubeconfig"

    private static let answerBytesMax = 1 << 20

    /// A name that can stand in a path as it is.
    static func word(_ name: String) throws -> String {
        let isWord = !name.isEmpty && name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || "-._".utf8.contains(byte)
        }
        guard isWord else { throw ValidationError("\"\(name)\" is no name of a member") }
        return name
    }

    /// - Throws: One sentence, of the server or about reaching it.
    func ask(_ method: HTTPMethod, _ path: String) async throws -> StoreAnswer {
        try await exchange(method, path) { response in
            try StoreAnswer(try await response.body.collect(upTo: Self.answerBytesMax))
        }
    }

    /// Sends a request, and takes the answer to it if it is a good one.
    ///
    /// - Throws: As `ask`; what `take` throws about files stays as it is.
    func exchange<Taken: Sendable>(
        _ method: HTTPMethod, _ path: String,
        take: (HTTPClientResponse) async throws -> Taken
    ) async throws -> Taken {
        let config: Kubeconfig
        do throws(KubeconfigError) { config = try Kubeconfig(path: kubeconfig) } catch {
            throw ValidationError("--kubeconfig: \(error)")
        }
        let http = try HTTPClient(
            HTTPClientConfiguration(
                host: config.host, port: config.port, tls: config.tls,
                bearerToken: config.bearerToken))
        let target = config.pathPrefix + "/martlet/store/" + path
        let result: Result<Taken, any Error>
        do {
            let response = try await http.send(
                HTTPClientRequest(method, target, headers: ["accept": "application/json"]))
            if response.status == 200 {
                result = .success(try await take(response))
            } else {
                let body = try await response.body.collect(upTo: Self.answerBytesMax)
                result = .failure(
                    StoreCommandError(description: try StoreAnswer(body)["message"]))
            }
        } catch let problem as LogProblem {
            result = .failure(problem)
        } catch let error as StoreCommandError {
            result = .failure(error)
        } catch {
            result = .failure(
                StoreCommandError(
                    description: "\(config.host):\(config.port) gave no answer: \(error)"))
        }
        await http.shutdown()
        return try result.get()
    }
}

struct StoreCommandError: Error, CustomStringConvertible {
    let description: String
}

/// A JSON object that a server has answered with.
struct StoreAnswer {
    let text: String
    private let value: Value

    init(_ bytes: [UInt8]) throws {
        text = String(decoding: bytes, as: UTF8.self)
        value = try Value(json: bytes)
    }

    private init(_ value: Value) { (self.value, text) = (value, "") }

    /// A field as text; empty if it is not there.
    subscript(name: String) -> String {
        guard case .map(let map) = value else { return "" }
        switch map[name] {
        case .string(let text): return text
        case .int(let number): return "\(number)"
        case .bool(let flag): return "\(flag)"
        default: return ""
        }
    }

    func list(_ name: String) -> [StoreAnswer] {
        guard case .map(let map) = value, case .list(let items) = map[name] else { return [] }
        return items.map { StoreAnswer($0) }
    }
}
