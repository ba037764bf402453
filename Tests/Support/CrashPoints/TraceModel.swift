/// One thing that a trace asks of the store.
enum TraceOperation: Sendable {
    struct Put: Sendable {
        var key: String
        var value: [UInt8]
        var lease: Int64 = 0
    }

    case put(Put)
    case delete(key: String)
    /// If `key` is at `expected` (0: not there), deletes keys by prefix and puts; else puts others.
    case transaction(key: String, expected: Int64, deleting: String, [Put], otherwise: [Put])
    case grant(lease: Int64)
    case keepAlive(lease: Int64)
    case revoke(lease: Int64)
    case compact(at: Int64)
}

/// What a store has to hold at every revision of a trace.
struct TraceModel: Sendable {
    struct Entry: Equatable, Sendable {
        var value: [UInt8]
        var created: Int64
        var modified: Int64
        var version: Int64
        var lease: Int64
    }

    struct Event: Equatable, Sendable {
        var key: String
        /// Nil for a delete.
        var value: [UInt8]?
    }

    /// What is there at each revision, from 0 on. An empty store is at 1.
    private(set) var entries: [[String: Entry]] = [[:], [:]]
    /// What each revision changed, in order of keys.
    private(set) var events: [[Event]] = [[], []]

    var revision: Int64 { Int64(entries.count - 1) }
    var now: [String: Entry] { entries[entries.count - 1] }

    /// Carries out an operation. Returns the revision after it.
    mutating func apply(_ operation: TraceOperation) -> Int64 {
        switch operation {
        case .put(let put): change([], [put])
        case .delete(let key): change([key], [])
        case .transaction(let key, let expected, let prefix, let puts, let others):
            if now[key]?.modified ?? 0 == expected {
                change(now.keys.filter { $0.hasPrefix(prefix) }, puts)
            } else {
                change([], others)
            }
        case .revoke(let lease): change(keys(of: lease), [])
        case .grant, .keepAlive, .compact: break
        }
        return revision
    }

    func keys(of lease: Int64) -> [String] {
        now.filter { $0.value.lease == lease }.map(\.key).sorted()
    }

    private mutating func change(_ deletes: [String], _ puts: [TraceOperation.Put]) {
        let deletes = deletes.filter { now[$0] != nil }
        guard !deletes.isEmpty || !puts.isEmpty else { return }
        let next = revision + 1
        var entries = now
        for key in deletes { entries[key] = nil }
        for put in puts {
            let before = entries[put.key]
            entries[put.key] = Entry(
                value: put.value, created: before?.created ?? next, modified: next,
                version: (before?.version ?? 0) + 1, lease: put.lease)
        }
        self.entries.append(entries)
        let all = deletes.map { Event(key: $0, value: nil) }
            + puts.map { Event(key: $0.key, value: $0.value) }
        events.append(all.sorted { $0.key < $1.key })
    }
}

extension TraceModel.Entry {
    /// The entry in a few words.
    func told(_ key: String) -> String {
        "\(key) of \(value.count) bytes, created at \(created), modified at \(modified), "
            + "version \(version), lease \(lease)"
    }
}

/// What a store has to hold after a crash, as far as it has been told, and asked.
struct TraceExpectation: Sendable {
    private let operations: [(operation: TraceOperation, revision: Int64)]
    /// The newest revision that was acknowledged, and the newest that was proposed.
    private(set) var revisions: ClosedRange<Int64> = 1...1
    private(set) var compactions: ClosedRange<Int64> = 0...0
    private(set) var leasesSure: Set<Int64> = []
    private(set) var leasesPossible: Set<Int64> = []

    init(_ operations: [(operation: TraceOperation, revision: Int64)]) {
        self.operations = operations
    }

    mutating func take(_ note: RecordingDisk.Note) {
        switch note {
        case .proposed(let number): propose(operations[number])
        case .acknowledged(let number): acknowledge(operations[number])
        case .accepted, .term: break
        }
    }

    private mutating func propose(_ asked: (operation: TraceOperation, revision: Int64)) {
        revisions = revisions.lowerBound...max(revisions.upperBound, asked.revision)
        switch asked.operation {
        case .compact(let revision): compactions = compactions.lowerBound...revision
        case .grant(let lease): leasesPossible.insert(lease)
        case .revoke(let lease): leasesSure.remove(lease)
        default: break
        }
    }

    private mutating func acknowledge(_ asked: (operation: TraceOperation, revision: Int64)) {
        revisions = max(revisions.lowerBound, asked.revision)...revisions.upperBound
        switch asked.operation {
        case .compact(let revision): compactions = revision...revision
        case .grant(let lease): leasesSure.insert(lease)
        case .revoke(let lease): leasesPossible.remove(lease)
        default: break
        }
    }
}
