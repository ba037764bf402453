import StoreCore
import StoreHistory

/// One client, which does one thing after the other at a member that answers.
struct RandomClient {
    let number: Int
    let store: any RecordedStore
    let recorder: Recorder
    let keys: Keys
    let overdue: Overdue
    var chance: Chance
    private var member: Int

    init(
        _ number: Int, _ store: any RecordedStore, _ recorder: Recorder, _ keys: Keys,
        _ overdue: Overdue, seed: UInt64
    ) {
        (self.number, self.store, self.recorder, self.keys) = (number, store, recorder, keys)
        self.overdue = overdue
        chance = Chance(seed)
        member = chance.below(store.memberCount)
    }

    /// Calls until `isOver`.
    mutating func run(until isOver: () -> Bool) async {
        recorder.begins(client: number)
        while !isOver() { await callOnce() }
        recorder.ends(client: number)
    }

    mutating func callOnce() async {
        let reply = await perform(nextCall())
        switch reply {
        case .unknown, .refused:
            // Somebody else may know more; and whoever is refused at once is not to ask at once.
            member = chance.below(store.memberCount)
            _ = await pause(.milliseconds(5 + chance.below(40)))
        default: if chance.once(in: 200) { member = chance.below(store.memberCount) }
        }
    }

    func perform(_ call: Call) async -> Reply {
        let (store, member) = (store, member)
        return await recorder.record(client: number, call) {
            await overdue.reply { await store.perform(call, at: member) }
        }
    }

    /// Puts a key until that is acknowledged.
    ///
    /// - Returns: The revision; nil if it took too long.
    mutating func putSurely(_ key: [UInt8], until deadline: ContinuousClock.Instant) async
        -> Revision?
    {
        while ContinuousClock.now < deadline {
            let put = Operation.put(key: key, value: recorder.newValue())
            let isThere = recorder.knowledge(of: key).revision != .none
            let compare = Compare(key, isThere ? .greater : .equal, .modRevision(.none))
            switch await perform(.transact(Transaction(if: [compare], then: [put]))) {
            case .transacted(let reply) where reply.isChange: return reply.revision
            case .unknown, .refused:
                member = chance.below(store.memberCount)
                _ = await pause(.milliseconds(20))
            default: break
            }
            _ = await perform(.range(RangeQuery(.key(key)), isSerializable: false))
        }
        return nil
    }

    /// Lists all keys at one member, until it answers; nil if that took too long.
    mutating func listAll(at member: Int, until deadline: ContinuousClock.Instant) async
        -> [Entry]?
    {
        self.member = member
        while ContinuousClock.now < deadline {
            let call = Call.range(RangeQuery(keys.scope), isSerializable: false)
            if case .found(let found, _) = await perform(call) { return found.entries }
            _ = await pause(.milliseconds(50))
        }
        return nil
    }

    // MARK: What to do next

    private mutating func nextCall() -> Call {
        let key = keys.random(using: &chance)
        switch chance.below(100) {
        case 0..<38: return .range(RangeQuery(.key(key)), isSerializable: false)
        case 38..<42: return list()
        default: return .transact(transaction(of: key))
        }
    }

    private mutating func list() -> Call {
        var query = RangeQuery(keys.range(chance.below(keys.collections)))
        switch chance.below(4) {
        case 0: return .range(query, isSerializable: true)
        case 1:
            let age = Int64(chance.below(200))
            query.revision = max(
                Revision(recorder.newest.number - age), recorder.start)
            return .range(query, isSerializable: true)
        default: return .range(query, isSerializable: false)
        }
    }

    private mutating func transaction(of key: [UInt8]) -> Transaction {
        let known = recorder.knowledge(of: key)
        let put = Operation.put(
            key: key, value: recorder.newValue(),
            previous: store.traits.isWhole && chance.once(in: 4))
        let deletion = Operation.delete(.key(key))
        // One in eight goes by what was known before.
        let revision = chance.once(in: 8) ? known.before : known.revision
        let assumed = Compare(key, .equal, .modRevision(revision))
        if store.traits.isWhole, chance.once(in: 5) { return wide(put, assumed) }
        if revision == .none { return Transaction(if: [assumed], then: [put]) }
        let isThere = Compare(key, .greater, .modRevision(.none))
        switch chance.below(10) {
        case 0: return Transaction(if: [isThere], then: [deletion])
        case 1: return Transaction(if: [assumed], then: [deletion])
        case 2, 3, 4: return Transaction(if: [isThere], then: [put])
        default: return Transaction(if: [assumed], then: [put])
        }
    }

    /// What no API but the store's own can do.
    private mutating func wide(_ put: Operation, _ assumed: Compare) -> Transaction {
        let other = keys.random(using: &chance)
        let collection = keys.range(chance.below(keys.collections))
        switch chance.below(4) {
        case 0: return Transaction(then: [put])
        case 1: return Transaction(then: [.delete(.key(other), previous: true)])
        case 2:
            return Transaction(
                if: [assumed], then: [put, .range(RangeQuery(collection))],
                else: [.range(RangeQuery(collection, limit: 3))])
        default:
            guard !assumed.range.contains(other) else { return Transaction(then: [put]) }
            return Transaction(
                if: [assumed], then: [put, .put(key: other, value: recorder.newValue())],
                else: [.delete(.key(other))])
        }
    }
}
