internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

/// What the store's threads and its readers share, behind one lock.
final class Shared: Sendable {
    struct State: ~Copyable, Sendable {
        /// May be ahead of what is durable; readers pass `durable`.
        var core: StoreState
        /// The newest revision that is committed.
        var durable: Revision
        /// How far the log has been written.
        var writtenEnd: LogPosition
        /// Where a replay finds all that `core` may lack, or has too early.
        var replayPosition: LogPosition
        var segments: SegmentSet
        /// The newest entry that is published.
        var publishedIndex = LogIndex.zero
        var status: MemberStatus?
    }

    let state: Mutex<State>
    /// Places at which the log is not what was written to it.
    let damageFound = Atomic<Int>(0)
    /// How often members were found to hold different things.
    let differencesFound = Atomic<Int>(0)
    /// Bytes that have been read through in search of damage.
    let scrubbedBytes = Atomic<Int>(0)
    /// Told of damage, by whoever finds it.
    let onDamage = Mutex<(@Sendable (StoreError) -> Void)?>(nil)
    /// Told when all of the log has been found sound.
    let onSound = Mutex<(@Sendable () -> Void)?>(nil)

    /// Tells of a failure if it is damage.
    func note(_ error: StoreError) {
        guard case .damaged = error else { return }
        onDamage.withLock { $0 }?(error)
    }

    func noteSound() { onSound.withLock { $0 }?() }

    init(_ recovered: consuming Recovered) {
        let (log, segments) = (recovered.member.log, recovered.segments)
        let core = recovered.core
        let durable = core.published
        state = Mutex(
            State(
                core: core, durable: durable, writtenEnd: log.position,
                // Entries that are not known to be committed yet are not in the state.
                replayPosition: log.replayPosition, segments: segments))
    }

    /// Puts a state in place that was built up again.
    func put(_ core: consuming StoreState) {
        var core: StoreState? = core
        state.withLock { state in
            guard var rebuilt = core.take() else { return }
            rebuilt.noteCheckpoint(at: state.core.checkpointBegin)
            state.core = rebuilt
        }
    }
}
