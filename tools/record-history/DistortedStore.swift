import StoreCore
import StoreHistory
import Synchronization

/// A store that does something wrong now and then.
final class DistortedStore: RecordedStore {
    private struct State {
        var chance: Chance
        var newest = Revision.start
        /// By what was read: the last answer, and the last one that was different.
        var answers: [String: (now: Reply, before: Reply?)] = [:]
        var lastChange: TransactionReply?
        /// Writes that are not committed.
        var uncommitted: [[UInt8]: [UInt8]] = [:]
    }

    private let store: any RecordedStore
    private let bug: Bug
    /// It happens once in so many calls that it can happen to.
    private static let oneIn = 12
    private let state: Mutex<State>

    init(_ store: any RecordedStore, _ bug: Bug, seed: UInt64) {
        (self.store, self.bug) = (store, bug)
        state = Mutex(State(chance: Chance(seed)))
    }

    var memberCount: Int { store.memberCount }
    var traits: StoreTraits { store.traits }
    func prepare(_ keys: Keys, until deadline: ContinuousClock.Instant) async -> Revision? {
        await store.prepare(keys, until: deadline)
    }
    func shutdown() async { await store.shutdown() }

    private func strikes() -> Bool { state.withLock { $0.chance.once(in: Self.oneIn) } }

    // MARK: Calls

    func perform(_ call: Call, at member: Int) async -> Reply {
        switch call {
        case .transact(let transaction):
            if let reply = await distorted(transaction, at: member) { return reply }
            let reply = await store.perform(call, at: member)
            return noteChange(reply)
        case .range(let query, false) where query.revision == nil:
            let reply = await store.perform(call, at: member)
            return distorted(query, HistoryText.text(call), reply)
        case .range, .compact, .watch: return await store.perform(call, at: member)
        }
    }

    private func noteChange(_ reply: Reply) -> Reply {
        guard case .transacted(let change) = reply, change.isChange else { return reply }
        return state.withLock { state in
            state.newest = max(state.newest, change.revision)
            let last = state.lastChange
            state.lastChange = change
            guard let last, state.chance.once(in: Self.oneIn) else { return reply }
            var wrong = change
            switch bug {
            case .revisionTwice: wrong.revision = last.revision
            case .otherResult: wrong = last
            default: return reply
            }
            return .transacted(wrong)
        }
    }

    /// The reply to a transaction that something is done wrong with; nil if nothing is.
    private func distorted(_ transaction: Transaction, at member: Int) async -> Reply? {
        guard case .put(let key, let value, _, false)? = transaction.success.first,
            transaction.success.count == 1, transaction.failure.isEmpty, strikes()
        else { return nil }
        let newest = state.withLock { $0.newest }
        switch bug {
        case .lostWrite: return acknowledgement(newest)
        case .lostAfterKill: return acknowledgement(newest.next)
        case .compareIgnored:
            guard case .modRevision(.none)? = transaction.compares.first?.subject else {
                let blind = Compare(key, .greater, .modRevision(.none))
                return await store.perform(
                    .transact(Transaction(if: [blind], then: transaction.success)), at: member)
            }
            return nil
        case .callRepeated:
            _ = await store.perform(.transact(transaction), at: member)
            return await store.perform(.transact(transaction), at: member)
        case .doneThoughRefused:
            _ = await store.perform(.transact(transaction), at: member)
            return .refused(.other("overloaded"))
        case .uncommittedRead:
            state.withLock { $0.uncommitted[key] = value }
            _ = await pause(.milliseconds(20))
            state.withLock { $0.uncommitted[key] = nil }
            return .refused(.other("not committed"))
        default: return nil
        }
    }

    private func acknowledgement(_ revision: Revision) -> Reply {
        .transacted(
            TransactionReply(revision: revision, succeeded: true, outcomes: [.put(previous: nil)]))
    }

    private func distorted(_ query: RangeQuery, _ name: String, _ reply: Reply) -> Reply {
        state.withLock { state in
            if case .found(_, let revision) = reply { state.newest = max(state.newest, revision) }
            if case .seen(let entry?) = reply {
                state.newest = max(state.newest, entry.modRevision)
            }
            if bug == .uncommittedRead, let key = query.range.onlyKey,
                let value = state.uncommitted[key] {
                return uncommitted(key, value, reply, state.newest)
            }
            guard reply.isAnswer else { return reply }
            let known = state.answers[name]
            let before = known.map { $0.now.shows == reply.shows ? $0.before : $0.now } ?? nil
            state.answers[name] = (reply, before)
            guard let before, state.chance.once(in: Self.oneIn) else { return reply }
            switch bug {
            case .staleRead: return before
            case .tornList: return torn(before, reply) ?? reply
            default: return reply
            }
        }
    }

    private func uncommitted(
        _ key: [UInt8], _ value: [UInt8], _ reply: Reply, _ newest: Revision
    ) -> Reply {
        let isNamed = store.traits.isWhole
        let entry = Entry(
            key: key, value: value, createRevision: isNamed ? newest.next : .none,
            modRevision: newest.next, version: isNamed ? 1 : 0)
        switch reply {
        case .seen: return .seen(entry)
        case .found: return .found(Found([entry], count: 1), revision: newest.next)
        default: return reply
        }
    }

    /// The first half of one list and the rest of another.
    private func torn(_ old: Reply, _ new: Reply) -> Reply? {
        guard case .found(let before, _) = old, case .found(let now, let revision) = new,
            now.entries.count > 1
        else { return nil }
        let middle = now.entries[now.entries.count / 2].key
        let entries =
            before.entries.filter { $0.key.lexicographicallyPrecedes(middle) }
            + now.entries.filter { !$0.key.lexicographicallyPrecedes(middle) }
        return .found(Found(entries, count: entries.count), revision: revision)
    }

    // MARK: Watches

    func watch(
        _ call: WatchCall, at member: Int, deliver: @Sendable (WatchRecord.Content) -> Void
    ) async {
        let held = Mutex<WatchRecord.Content?>(nil)
        await store.watch(call, at: member) { content in
            guard case .events(let events) = content, let revision = events.last?.revision else {
                return deliver(content)
            }
            let before = held.withLock { held in
                defer { held = nil }
                return held
            }
            if let before {
                deliver(content)
                return deliver(before)
            }
            guard strikes() else { return deliver(content) }
            switch bug {
            case .eventSkipped: return
            case .eventRepeated:
                deliver(content)
                deliver(content)
            case .eventsSwapped: held.withLock { $0 = content }
            case .progressAhead:
                deliver(.progress(revision))
                deliver(content)
            default: deliver(content)
            }
        }
    }
}

extension Reply {
    fileprivate var isAnswer: Bool {
        switch self {
        case .found, .seen: true
        default: false
        }
    }

    /// What was there, whenever that was.
    fileprivate var shows: [Entry] {
        switch self {
        case .found(let found, _): found.entries
        case .seen(let entry): entry.map { [$0] } ?? []
        default: []
        }
    }
}
