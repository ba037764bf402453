import ArgumentParser
import Glibc
import StoreHistory

/// Records what clients of a store see, and checks it.
@main
struct RecordHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record-history",
        abstract: "Puts many clients on a store, records what they see, and checks it.",
        discussion: """
            Without --operations it goes by lines on standard input, and answers each with a line:

              figures            what happened since the last such line
              progress SECONDS   how long every client took to get a further change acknowledged
              check              ends the history, checks it and begins another
              end                the same, and ends

            Exit status: 0 if all is well, 1 if a promise is broken or a planted bug is not found,
            64 for unusable arguments, 69 if the store does not answer.
            """)

    @Option(help: "https://HOST:PORT of each member of a Kubernetes API, separated by commas.")
    var kubernetes: String?
    @Option(help: "http://HOST:PORT of each member of an etcd, separated by commas.")
    var etcd: String?
    @Option(help: "A PEM file with the CA of the servers' certificates.")
    var ca: String?
    @Option(help: "A bearer token.")
    var token: String?
    @Option(help: "How many clients write and read.")
    var clients = 32
    @Option(help: "How many clients watch, besides one that sees everything.")
    var watchers = 4
    @Option(help: "Keys that are written.")
    var keys = 128
    @Option(help: "Decides what clients do, in what order.")
    var seed: UInt64 = 1
    @Option(help: "Seconds that a call may take.")
    var patience = 4.0
    @Option(help: "What names of keys begin with; of a history of its own, so never used before.")
    var prefix = "h"
    @Option(help: "Checks after so many operations, and ends.")
    var operations: Int?
    @Flag(help: "Plants one bug after the other, and says after how many operations it is found.")
    var planted = false
    @Option(help: "Where to write a history in which something is wrong.")
    var history = "history.txt"
    @Flag(help: "Writes the history in any case.")
    var keep = false
    @Option(help: "Checks a history in a file, and ends.")
    var check: String?

    @MainActor
    mutating func run() async throws {
        do {
            if let check { throw try Self.check(file: check) }
            let store = try store()
            let load = load
            let run = Run(store, load, prefix: prefix, historyPath: history, keepsHistory: keep)
            let isGood: Bool
            if planted {
                isGood = try await run.plantBugs()
            } else if let operations {
                isGood = try await run.once(operations: operations)
            } else {
                isGood = try await run.byCommands()
            }
            await store.shutdown()
            if !isGood { throw ExitCode(1) }
        } catch let error as UsageError {
            Output.say("record-history: \(error)", to: .error)
            throw ExitCode(69)
        }
    }

    private var load: Load {
        var load = Load()
        (load.clients, load.watchers, load.seed) = (max(1, clients), max(0, watchers), seed)
        load.keysPerCollection = max(1, keys / load.collections)
        load.patience = .seconds(patience)
        return load
    }

    private func store() throws -> any RecordedStore {
        let authority = try ca.map { try Self.read($0) } ?? []
        func members(_ urls: String) throws -> MemberClients {
            try MemberClients(
                urls.split(separator: ",").map(String.init), authority: authority, token: token)
        }
        switch (kubernetes, etcd) {
        case (let urls?, nil): return KubernetesStore(try members(urls))
        case (nil, let urls?): return EtcdStore(try members(urls))
        default: throw ValidationError("either --kubernetes or --etcd")
        }
    }

    private static func check(file: String) throws -> ExitCode {
        let text = String(decoding: try read(file), as: UTF8.self)
        let history: History
        do throws(HistoryTextError) { history = try History(text: text) } catch {
            throw UsageError(reason: "\(file):\(error.line): expected \(error.expected)")
        }
        let violations = HistoryCheck.violations(in: history)
        for violation in violations { Output.say(violation.report(of: history)) }
        Output.say("\(history.operations.count) operations, \(violations.count) violations")
        return ExitCode(violations.isEmpty ? 0 : 1)
    }

    private static func read(_ path: String) throws -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else {
            throw UsageError(reason: "\(path) cannot be read")
        }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { chunk in
                unsafe fread(chunk.baseAddress, 1, chunk.count, file)
            }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }
}
