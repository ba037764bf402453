internal import StoreCore
internal import Synchronization

/// What the store's threads and its readers share, behind one lock.
final class Shared: Sendable {
    struct State: ~Copyable, Sendable {
        /// May be ahead of what is durable; readers pass `durable`.
        var core: StoreState
        /// The newest revision that is on disk.
        var durable: Revision
        /// Where the durable log ends.
        var durableEnd: LogPosition
        var segments: SegmentSet
    }

    let state: Mutex<State>

    init(_ recovered: consuming Recovered) {
        let (end, segments) = (recovered.end, recovered.segments)
        let core = recovered.core
        let durable = core.revision
        state = Mutex(
            State(core: core, durable: durable, durableEnd: end.position, segments: segments))
    }
}
