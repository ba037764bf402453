import Glibc
import StoreHistory

/// What the program was asked to do with a store.
struct Run {
    private let store: any RecordedStore
    private let load: Load
    private let prefix: String
    private let historyPath: String
    private let keepsHistory: Bool
    /// How long so many operations may take: 200 a second are few.
    private static func patience(_ operations: Int) -> Duration {
        .seconds(max(300, operations / 200))
    }
    /// Operations after which a planted bug is looked for.
    private static let steps = [250, 500, 1000, 2000, 4000, 8000]

    init(
        _ store: any RecordedStore, _ load: Load, prefix: String, historyPath: String,
        keepsHistory: Bool
    ) {
        (self.store, self.load, self.prefix) = (store, load, prefix)
        (self.historyPath, self.keepsHistory) = (historyPath, keepsHistory)
    }

    /// Checks after so many operations. Returns whether all is well.
    func once(operations: Int) async throws -> Bool {
        let session = try await Session.begin(store, load, prefix: prefix + "0")
        let isReached = await session.reach(operations, within: Self.patience(operations))
        var verdict = await session.finish()
        if !isReached { verdict.unfinished.append("\(operations) operations took too long") }
        try report(verdict)
        return verdict.isGood
    }

    /// Goes by lines on standard input. Blocks the thread while it waits for one.
    @MainActor
    func byCommands() async throws -> Bool {
        var (isGood, count) = (true, 0)
        var session = try await begin(&count)
        Output.say("{\"begun\":true}")
        while let line = readLine() {
            let words = line.split(separator: " ")
            switch words.first {
            case "figures": Output.say("{\(session.recorder.takeFigures().json)}")
            case "progress":
                let seconds = await session.progress(within: Double(words.last ?? "") ?? 10)
                Output.say("{\"progress_s\":\(seconds.map { "\($0)" } ?? "null")}")
            case "check", "end":
                let verdict = await session.finish()
                try report(verdict)
                isGood = isGood && verdict.isGood
                if words.first == "end" { return isGood }
                session = try await begin(&count)
            default: Output.say("{\"error\":\"no such command\"}")
            }
        }
        return isGood
    }

    private func begin(_ count: inout Int) async throws -> Session {
        count += 1
        var load = load
        load.seed &+= UInt64(count)
        return try await Session.begin(store, load, prefix: "\(prefix)\(count)")
    }

    /// Returns whether every bug is found, and nothing where there is none.
    func plantBugs() async throws -> Bool {
        Output.say("| bug | what it does | found after | as |\n|---|---|---|---|")
        var isGood = true
        for bug in Bug.allCases {
            var found: (operations: Int, rule: String)?
            for (place, operations) in Self.steps.enumerated() where found == nil {
                let wrong = DistortedStore(store, bug, seed: load.seed)
                let session = try await Session.begin(
                    wrong, load, prefix: "\(prefix)-\(bug.rawValue)-\(place)")
                _ = await session.reach(operations, within: Self.patience(operations))
                let verdict = await session.finish()
                guard let first = verdict.violations.first else { continue }
                found = (verdict.history.operations.count, first.rule.rawValue)
            }
            isGood = isGood && found != nil
            Output.say(
                "| \(bug.rawValue) | \(bug.meaning) | "
                    + (found.map { "\($0.operations) operations | \($0.rule) |" } ?? "not | |"))
        }
        let isPlainGood = try await once(operations: 4000)
        return isGood && isPlainGood
    }

    private func report(_ verdict: Verdict) throws {
        for violation in verdict.violations {
            Output.say(violation.report(of: verdict.history), to: .error)
        }
        for line in verdict.unfinished { Output.say(line, to: .error) }
        if keepsHistory || !verdict.isGood { try write(verdict.history) }
        Output.say("{\(verdict.json)}")
    }

    private func write(_ history: History) throws {
        guard let file = unsafe fopen(historyPath, "w") else {
            throw UsageError(reason: "\(historyPath) cannot be written")
        }
        defer { unsafe fclose(file) }
        unsafe fputs(HistoryText.line(history.scope) + "\n", file)
        for operation in history.operations {
            unsafe fputs(HistoryText.line(operation) + "\n", file)
        }
    }
}

extension Figures {
    /// The inside of a JSON object.
    var json: String {
        let reasons = refusals.sorted { $0.key < $1.key }
            .map { "\"\($0.key.filter { $0 != "\"" && $0 != "\\" })\":\($0.value)" }
        return "\"operations\":\(operations),\"acknowledged\":\(acknowledged),"
            + "\"unknown\":\(unknown),\"refused\":\(refused),\"failed\":\(failed),"
            + "\"events\":\(events),\"outage_s\":\(Double(longestOutage) / 1e6),"
            + "\"wait_s\":\(Double(longestWait) / 1e6),"
            + "\"refusals\":{\(reasons.joined(separator: ","))}"
    }
}

extension Verdict {
    var json: String {
        figures.json + ",\"checked\":\(history.operations.count),\"check_s\":\(checkSeconds),"
            + "\"violations\":\(violations.count),\"unfinished\":\(unfinished.count)"
    }
}
