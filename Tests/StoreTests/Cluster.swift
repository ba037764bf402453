import Store
import StoreCore
import Synchronization
import Testing

/// Several members in one process. Frames between them are delivered at once, or not at all, to
/// whoever is at the address.
final class Cluster: Sendable {
    private struct State {
        var members: [String: Store] = [:]
        var cutOff: Set<UInt64> = []
        /// Places of members whose log another one is to replace.
        var toReopen: Set<Int> = []
        var damage: [StoreDamage] = []
        var differences: [StoreDifference] = []
    }
    private let state = Mutex(State())
    let scratches: [Scratch]
    let founders: [ClusterOptions.Founder]
    private let adjust: @Sendable (inout StoreOptions) -> Void

    /// - Parameter prepare: Puts something into the directory of each member before it starts.
    init(
        _ count: Int, adjusting adjust: @escaping @Sendable (inout StoreOptions) -> Void = { _ in },
        prepare: (_ directory: String, ClusterOptions.Founder, [ClusterOptions.Founder]) throws
            -> Void = { _, _, _ in }
    ) throws {
        self.adjust = adjust
        scratches = try (0..<count).map { _ in try Scratch() }
        let founders = (0..<count).map {
            ClusterOptions.Founder(name: "n\($0)", peerAddress: "n\($0):1")
        }
        self.founders = founders
        for place in 0..<count {
            try prepare(scratches[place].path, founders[place], founders)
            try start(place)
        }
    }

    deinit { for store in state.withLock({ $0.members.values.map { $0 } }) { store.close() } }

    @discardableResult
    func start(_ place: Int, beginning: ClusterOptions.Beginning? = nil) throws -> Store {
        var options = StoreOptions()
        let me = OwnNumber()
        options.cluster = ClusterOptions(
            me: founders[place], beginning: beginning ?? .founding(founders)
        ) {
            [weak self] frame, member, address in
            self?.deliver(frame, from: me.number, to: member, at: address)
        }
        options.onDamage = { [weak self] found in
            self?.state.withLock { $0.damage.append(found) }
        }
        options.cluster?.onDifference = { [weak self] found in
            self?.state.withLock { $0.differences.append(found) }
        }
        options.cluster?.onGivenUp = { [weak self] in
            _ = self?.state.withLock { $0.toReopen.insert(place) }
        }
        options.cluster?.onSnapshotReady = { [weak self] in
            _ = self?.state.withLock { $0.toReopen.insert(place) }
        }
        options.segmentBytesMin = 64 * 1024
        options.segmentBytesMax = 64 * 1024
        adjust(&options)
        let store = try Store.open(directory: scratches[place].path, options: options)
        let number = try #require(store.memberStatus?.me)
        me.number = number
        state.withLock { state in
            state.members[founders[place].peerAddress] = store
            state.toReopen.remove(place)
        }
        return store
    }

    /// Known once the store is open.
    private final class OwnNumber: Sendable {
        private let value = Atomic<UInt64>(0)
        var number: UInt64 {
            get { value.load(ordering: .relaxed) }
            set { value.store(newValue, ordering: .relaxed) }
        }
    }

    private func deliver(_ frame: [UInt8], from: UInt64, to: UInt64, at address: String) {
        let target = state.withLock { state -> Store? in
            let isCut = state.cutOff.contains(from) || state.cutOff.contains(to)
            return isCut ? nil : state.members[address]
        }
        target?.receive(frame: frame)
    }

    var stores: [Store] { state.withLock { $0.members.values.map { $0 } } }

    /// The member of that place.
    func store(_ place: Int) -> Store? {
        state.withLock { $0.members[founders[place].peerAddress] }
    }

    /// What members have told of damage.
    var damage: [StoreDamage] { state.withLock { $0.damage } }

    /// What members have told of members that hold something else.
    var differences: [StoreDifference] { state.withLock { $0.differences } }

    /// Opens a member again once a snapshot is to take its log's place.
    func reopenWithSnapshot(_ place: Int) async throws -> Store {
        while true {
            if let store = try reopenIfWanted(place) { return store }
            await Task.yield()
        }
    }

    /// Opens a member again that wants it: then its directory has another log, or none.
    @discardableResult
    func reopenIfWanted(_ place: Int) throws -> Store? {
        guard state.withLock({ $0.toReopen.contains(place) }) else { return nil }
        if let store = store(place) { stop(store) }
        return try start(place)
    }

    /// Waits until all members vote, and have the same, as they would in processes that begin anew
    /// when they want it.
    func becomeWhole(without missing: Set<Int> = []) async throws {
        let places = founders.indices.filter { !missing.contains($0) }
        while true {
            for place in places { try reopenIfWanted(place) }
            await Task.yield()
            let all = places.compactMap { store($0) }
            guard all.count == places.count,
                let leader = all.first(where: { $0.isDeciding }), let status = leader.memberStatus
            else { continue }
            for learner in status.members where !learner.isVoter {
                // Refused until it has caught up.
                do throws(MemberChangeRefusal) {
                    try await leader.change(.promote(learner.number))
                } catch {}
            }
            let present = Set(all.compactMap { $0.memberStatus?.me })
            let isWhole = all.allSatisfy { store in
                guard let members = store.memberStatus?.members else { return false }
                let there = members.filter { member in
                    !missing.contains { founders[$0].name == member.name }
                }
                return members.allSatisfy(\.isVoter) && Set(there.map(\.number)) == present
                    && store.revision == leader.revision
            }
            if isWhole, !state.withLock({ !$0.toReopen.isEmpty }) { return }
        }
    }

    func cutOff(_ numbers: [UInt64]) { state.withLock { $0.cutOff = Set(numbers) } }

    func stop(_ store: Store) {
        state.withLock { state in
            if let address = state.members.first(where: { $0.value === store })?.key {
                state.members[address] = nil
            }
        }
        store.close()
    }

    /// Puts a key at whoever leads, until somebody has acknowledged it: on a busy machine, leaders
    /// change.
    @discardableResult
    func put(_ key: String, _ value: String) async throws -> Revision {
        while true {
            let store = try await leader()
            do throws(StoreError) {
                return try await store.put(key, value)
            } catch {
                guard [.outcomeUnknown, .noLeader].contains(error) else { throw error }
            }
        }
    }

    /// The member that leads among those that are not cut off.
    func leader() async throws -> Store {
        while true {
            let cut = state.withLock { $0.cutOff }
            for store in stores {
                guard let status = store.memberStatus, !cut.contains(status.me) else { continue }
                if status.leader == status.me, (try? await store.put("leader", "")) != nil {
                    return store
                }
            }
            await Task.yield()
        }
    }
}
