internal import StoreCore
internal import StoreHistory

/// One client: what it is waiting for, and what it has learned. Client 0 is the observer: it
/// watches everything from the first revision on, and compacts what it has seen.
struct SimulatedClient {
    let number: Int
    var random: SeededRandom
    /// The node that it talks to.
    var node = 0
    var call: Underway?
    var watch: Underway?
    /// Everything up to here has been told by its watches.
    var told = Revision.start
    var watchRange = KeyRange.all
    /// Where its calls come from.
    var workload: Workload
    /// When a change of its own was acknowledged for the last time.
    var progressed = Moment(0)
    var heard = Moment(0)
    /// Whether it stays with its node, as long as that is there at all.
    let isLoyal: Bool
    /// When it looks what to do next, if that is planned.
    var waking: Moment?
    /// Calls to make before it is done; nil while it may choose.
    var lastCalls: [LastCall] = []

    struct Underway {
        var request: RequestNumber
        /// In the history.
        var operation: Int
    }

    struct LastCall {
        var call: Call
        var node: Int
    }

    var isObserver: Bool { number == 0 }

    init(number: Int, random: SeededRandom, _ plan: FaultPlan) {
        var random = random
        let isLoyal = random.chance(permille: plan.loyalPermille)
        (self.number, self.random, self.isLoyal) = (number, random, number > 0 && isLoyal)
        workload = Workload(client: number, largePermille: plan.largePermille)
    }

    mutating func nextCall(isChange: Bool) -> Call {
        isChange ? workload.change(&random) : workload.next(&random)
    }
}

/// Makes up calls: few keys, so that clients get in each other's way, and values that are unlike
/// all others, so that what is read tells who wrote it.
struct Workload {
    private let client: Int
    private let largePermille: Int
    private var count = 0
    /// The newest revision at which each key was seen; none if it was seen to be absent.
    private var seen: [[UInt8]: Revision] = [:]
    private var newest = Revision.start

    static let keys = (0..<8).map { Array("k\($0)".utf8) }
    /// Keys that rarely change, so that some of an old file of the log is needed still.
    static let coldKeys = (0..<24).map { Array("c\($0)".utf8) }

    init(client: Int, largePermille: Int) {
        (self.client, self.largePermille) = (client, largePermille)
    }

    mutating func next(_ random: inout SeededRandom) -> Call {
        switch random.below(100) {
        case 0..<26: .transact(Transaction(then: [put(random.pick(Self.keys), &random)]))
        case 26..<28: .transact(Transaction(then: [put(random.pick(Self.coldKeys), &random)]))
        case 28..<30: .transact(Transaction(then: [.delete(cold(&random))]))
        case 30..<50: .transact(compareAndSet(&random))
        case 50..<60: .transact(several(&random))
        case 60..<66: .transact(Transaction(then: [delete(&random)]))
        case 66..<75:
            .transact(Transaction(then: [.range(query(&random)), .range(query(&random))]))
        case 75..<88: .range(query(&random), isSerializable: false)
        case 88..<94: .range(query(&random), isSerializable: true)
        default: .range(old(&random), isSerializable: random.chance(permille: 300))
        }
    }

    /// One of the keys that rarely change; now and then, all of them.
    private func cold(_ random: inout SeededRandom) -> KeyRange {
        random.chance(permille: 150)
            ? .prefix([UInt8(ascii: "c")]) : .key(random.pick(Self.coldKeys))
    }

    /// A change that always makes a revision.
    mutating func change(_ random: inout SeededRandom) -> Call {
        .transact(Transaction(then: [put(random.pick(Self.keys), &random)]))
    }

    private mutating func put(_ key: [UInt8], _ random: inout SeededRandom) -> Operation {
        count += 1
        var value = Array("c\(client)-\(count)".utf8)
        let padding = random.chance(permille: largePermille) ? random.below(3000) : random.below(80)
        value += repeatElement(UInt8(ascii: "x"), count: padding)
        return .put(key: key, value: value, previous: random.chance(permille: 300))
    }

    /// Puts a key if it is as it was seen last, and reads it otherwise.
    private mutating func compareAndSet(_ random: inout SeededRandom) -> Transaction {
        let key = random.pick(Self.keys)
        let compare =
            random.chance(permille: 100)
            ? Compare(key, .greater, .version(Int64(random.below(4))))
            : Compare(key, .equal, .modRevision(seen[key] ?? .none))
        return Transaction(
            if: [compare], then: [put(key, &random)], else: [.range(RangeQuery(.key(key)))])
    }

    /// Deletes some keys and puts others.
    private mutating func several(_ random: inout SeededRandom) -> Transaction {
        let first = random.below(Self.keys.count)
        let keys = (0..<3).map { Self.keys[(first + $0) % Self.keys.count] }
        return Transaction(then: [
            .delete(.key(keys[0]), previous: random.chance(permille: 500)),
            put(keys[1], &random), put(keys[2], &random),
            .range(RangeQuery(.prefix([UInt8(ascii: "k")]))),
        ])
    }

    private func delete(_ random: inout SeededRandom) -> Operation {
        let key = random.pick(Self.keys)
        let range = random.chance(permille: 100) ? KeyRange(from: key, to: nil) : .key(key)
        return .delete(range, previous: random.chance(permille: 500))
    }

    private func query(_ random: inout SeededRandom) -> RangeQuery {
        if random.chance(permille: 600) { return RangeQuery(.key(random.pick(Self.keys))) }
        var query = RangeQuery(.prefix([UInt8(ascii: "k")]))
        if random.chance(permille: 300) { query.limit = 1 + random.below(4) }
        query.countOnly = random.chance(permille: 100)
        if random.chance(permille: 200) { query.order = .modRevision }
        query.descending = random.chance(permille: 200)
        return query
    }

    private func old(_ random: inout SeededRandom) -> RangeQuery {
        var query = query(&random)
        query.revision = Revision(max(1, newest.number - Int64(random.below(40))))
        return query
    }

    // MARK: What answers tell

    mutating func learn(_ call: Call, _ reply: Reply) {
        switch (call, reply) {
        case (.transact(let transaction), .transacted(let reply)):
            newest = max(newest, reply.revision)
            let operations = reply.succeeded ? transaction.success : transaction.failure
            for (operation, outcome) in zip(operations, reply.outcomes) {
                switch (operation, outcome) {
                case (.put(let key, _, _, _), _): seen[key] = reply.revision
                case (.range(let query), .found(let found)): learn(query, found)
                default: break
                }
            }
        case (.range(let query, _), .found(let found, let revision)):
            newest = max(newest, revision)
            if query.revision == nil { learn(query, found) }
        default: break
        }
    }

    private mutating func learn(_ query: RangeQuery, _ found: Found) {
        if let key = query.range.onlyKey, !query.countOnly { seen[key] = .some(.none) }
        for entry in found.entries { seen[entry.key] = entry.modRevision }
    }
}
