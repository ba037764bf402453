import Store

/// What a member of three did with its disk while it followed, was away for so long that the others
/// gave up what it lacked, and got the log of another one in its own's place.
package struct MemberTrace: Sendable {
    package private(set) var steps: [RecordingDisk.Step] = []
    private(set) var model = TraceModel()
    /// The folders of the other two in the end.
    private(set) var others: [FolderImage.Remains] = []

    package static func record(seed: UInt64) async throws -> MemberTrace {
        while true {
            do { return try await recordOnce(seed: seed) } catch let error as StoreError {
                // A busy machine had them elect another leader: then revisions are not known.
                guard error == .outcomeUnknown || error == .noLeader else { throw error }
            }
        }
    }

    private static func recordOnce(seed: UInt64) async throws -> MemberTrace {
        let folders = try (0...TracedMembers.traced).map { _ in try Folder() }
        let disk = RecordingDisk(folder: folders[TracedMembers.traced].path)
        let members = TracedMembers(folders, recording: disk)
        defer { members.stopAll() }
        for place in folders.indices { try members.start(place) }
        var trace = MemberTrace()
        var generator = SplitMix(state: seed)
        try await trace.put(40, on: members.leader(), &generator)
        _ = try await members.catchUp()
        members.stop(TracedMembers.traced)
        try await trace.outgrow(members.leader(), &generator)
        try members.start(TracedMembers.traced)
        _ = try await members.catchUp()
        try await trace.put(40, on: members.leader(), &generator)
        _ = try await members.catchUp()
        members.stopAll()
        trace.steps = disk.steps
        trace.others = try folders[..<TracedMembers.traced].map { try $0.read() }
        return trace
    }

    private mutating func put(
        _ count: Int, on store: Store, _ generator: inout SplitMix
    ) async throws {
        for _ in 0..<count {
            let bytes = Int.random(in: 0..<1500, using: &generator)
            let put = TraceOperation.Put(
                key: "k-\(Int.random(in: 0..<7, using: &generator))",
                value: (0..<bytes).map { _ in .random(in: .min ... .max, using: &generator) })
            let revision = model.apply(.put(put))
            let found = try await store.put(Array(put.key.utf8), put.value)
            guard found.number == revision else {
                throw Restart.Problem(description: "put at \(found), not \(revision)")
            }
        }
    }

    /// Writes and compacts until segments are given back, and the entries in them are gone.
    private mutating func outgrow(
        _ store: Store, _ generator: inout SplitMix
    ) async throws {
        var (full, timesGivenBack) = (0, 0)
        while timesGivenBack < 8 {
            full = max(full, store.logBytes)
            try await put(10, on: store, &generator)
            try await store.compact(at: store.revision)
            guard store.logBytes < full else { continue }
            full = store.logBytes
            timesGivenBack += 1
        }
    }

    /// Whether the log of another took the place of the member's own.
    package var isInstalled: Bool {
        steps.contains { step in
            if case .rename(_, "installation") = step { true } else { false }
        }
    }
}

/// A start of one member on what a crash has left.
struct MemberRestart {
    let trace: MemberTrace
    let folders: [Folder]
    var accepted: UInt64 = 0
    var term: UInt64 = 0

    mutating func take(_ note: RecordingDisk.Note) {
        switch note {
        case .accepted(let index): accepted = max(accepted, index)
        case .term(let said): term = max(term, said)
        case .proposed, .acknowledged: break
        }
    }

    private func require(_ isTrue: Bool, _ text: @autoclosure () -> String) throws {
        if !isTrue { throw Restart.Problem(description: text()) }
    }

    /// Starts the member alone: it has what it told others it had.
    func run(_ remains: FolderImage.Remains) throws {
        try folders[TracedMembers.traced].fill(with: remains)
        let members = TracedMembers(folders)
        for _ in 1...2 {
            let store = try members.start(TracedMembers.traced)
            defer { members.stop(TracedMembers.traced) }
            guard let status = store.memberStatus else {
                throw Restart.Problem(description: "it is no member")
            }
            try require(
                status.lastIndex >= accepted, "the log ends at \(status.lastIndex), not \(accepted)")
            try require(status.term >= term, "the term is \(status.term), not \(term)")
            try compare(store)
        }
    }

    /// Starts it with the others: it gets what it lacks, and writes.
    func runTogether(_ remains: FolderImage.Remains) async throws {
        for (folder, files) in zip(folders, trace.others + [remains]) {
            try folder.fill(with: files)
        }
        let members = TracedMembers(folders)
        defer { members.stopAll() }
        for place in folders.indices { try members.start(place) }
        let store = try await members.catchUp()
        try require(store.revision.number == trace.model.revision, "revision \(store.revision)")
        try compare(store)
        var revision: Revision?
        while revision == nil {
            let leader = try await members.leader()
            // Another one may be elected: it is asked next.
            do { revision = try await leader.put(Array(Restart.probe.utf8), [1]) } catch {
                guard error == .outcomeUnknown || error == .noLeader else { throw error }
            }
        }
        try require(revision?.number ?? 0 > trace.model.revision, "it writes at \(revision as Any)")
        _ = try await members.catchUp()
    }

    /// Whatever revision it is at, it has the entries of that one.
    private func compare(_ store: Store) throws {
        let found = try store.range(RangeQuery(.all))
        let there = trace.model.entries[Int(found.revision.number)]
        for entry in found.entries {
            let key = String(decoding: entry.key, as: UTF8.self)
            try require(
                there[key]?.modified == entry.modRevision.number
                    && there[key]?.value == entry.value, "\(key) is not what was put")
        }
        try require(found.entries.count == there.count, "\(found.entries.count) keys")
    }
}
