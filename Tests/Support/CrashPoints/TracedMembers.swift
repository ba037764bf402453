import Raft
import Replica
import Store
import StoreCore
import Synchronization

/// Members of a cluster in one process, with small segments. Frames between them are delivered at
/// once.
final class TracedMembers: Sendable {
    private struct State {
        /// By place; nil while a member is not there.
        var stores: [Store?]
        /// Numbers by place, once known.
        var numbers: [UInt64]
        /// Places of members that want to begin anew.
        var toReopen: Set<Int> = []
    }

    private let state: Mutex<State>
    let folders: [Folder]
    /// Where the disk of the last member is recorded, and what it tells others.
    private let recording: RecordingDisk?
    private let founders: [ClusterOptions.Founder]

    /// The member that crashes.
    static let traced = 2

    init(_ folders: [Folder], recording: RecordingDisk? = nil) {
        (self.folders, self.recording) = (folders, recording)
        founders = folders.indices.map { .init(name: "n\($0)", peerAddress: "n\($0):1") }
        state = Mutex(
            State(
                stores: folders.map { _ in nil }, numbers: folders.map { _ in 0 }))
    }

    @discardableResult
    func start(_ place: Int) throws -> Store {
        var options = CrashTrace.options(PosixDisk())
        if place == Self.traced, let recording { options.disk = recording }
        options.cluster = ClusterOptions(me: founders[place], beginning: .founding(founders)) {
            [weak self] frame, member, _ in self?.deliver(frame, from: place, to: member)
        }
        // Its log is another's from then on, or it is to get a new number.
        let reopen: @Sendable () -> Void = { [weak self] in
            _ = self?.state.withLock { $0.toReopen.insert(place) }
        }
        options.cluster?.onSnapshotReady = reopen
        options.cluster?.onGivenUp = reopen
        let store = try Store.open(directory: folders[place].path, options: options)
        state.withLock { state in
            state.stores[place] = store
            state.numbers[place] = store.memberStatus?.me ?? 0
        }
        return store
    }

    func stop(_ place: Int) {
        let store = state.withLock { state in
            defer { state.stores[place] = nil }
            return state.stores[place]
        }
        store?.close()
    }

    func stopAll() { for place in folders.indices { stop(place) } }

    private func deliver(_ frame: [UInt8], from place: Int, to member: UInt64) {
        if place == Self.traced { note(frame) }
        let target = state.withLock { state in
            state.numbers.firstIndex(of: member).flatMap { state.stores[$0] }
        }
        target?.receive(frame: frame)
    }

    /// What the member says is what it may not take back.
    private func note(_ frame: [UInt8]) {
        guard let recording else { return }
        let read: MemberFrame
        do throws(PeerFrameError) { read = try MemberFrame(frame.raw) } catch {
            preconditionFailure("a member sends what nobody can read: \(error)")
        }
        guard case .raft(let frame) = read else { return }
        // Other messages promise nothing that outlives the member.
        switch frame.message.body {
        case .accepted(let index):
            recording.note(.accepted(through: index.number))
            recording.note(.term(frame.message.term.number))
        case .vote, .voteAnswer(isGranted: true):
            recording.note(.term(frame.message.term.number))
        default: break
        }
    }

    // MARK: Waiting

    private static let patience = Duration.seconds(60)

    /// The leader, which is another member than the one that crashes.
    ///
    /// - Throws: ``Restart/Problem`` if there is none for a minute.
    func leader() async throws -> Store {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            try reopen()
            for (place, store) in state.withLock({ $0.stores }).enumerated() {
                guard let store, store.isDeciding else { continue }
                if place != Self.traced { return store }
                // Refused while it goes on: it is asked again.
                do { try await store.transferLeadership() } catch {}
            }
            try check(deadline, "nobody else leads")
            await Task.yield()
        }
    }

    /// Returns once the traced member has all that is committed, by whatever way it gets it.
    ///
    /// - Throws: ``Restart/Problem`` if it has not within a minute.
    func catchUp() async throws -> Store {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            try reopen()
            // The traced one may have been elected meanwhile, on a busy machine.
            let leader = try await leader()
            // It may have been elected just now, and not know yet what is committed.
            var isCertain = true
            do { try await leader.confirmNewest() } catch { isCertain = false }
            if isCertain, let store = state.withLock({ $0.stores[Self.traced] }),
                store.revision == leader.revision, store.revision > Revision.start
            {
                return store
            }
            try check(deadline, "it does not catch up")
            await Task.yield()
        }
    }

    /// Opens members anew that want it.
    private func reopen() throws {
        for place in state.withLock({ $0.toReopen }) {
            _ = state.withLock { $0.toReopen.remove(place) }
            stop(place)
            try start(place)
        }
    }

    private func check(_ deadline: ContinuousClock.Instant, _ what: String) throws {
        guard ContinuousClock.now > deadline else { return }
        let statuses = state.withLock { $0.stores }.map { $0?.memberStatus }
        throw Restart.Problem(description: "\(what): \(statuses)")
    }
}
