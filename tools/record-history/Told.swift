import StoreCore
import StoreHistory
import Synchronization

/// Up to where a watcher has been told everything.
final class Told: Sendable {
    private let state: Mutex<Revision>

    init(_ revision: Revision) { state = Mutex(revision) }

    var revision: Revision { state.withLock { $0 } }

    func note(_ content: WatchRecord.Content) {
        switch content {
        case .events(let events):
            guard let newest = events.map(\.revision).max() else { return }
            state.withLock { $0 = max($0, newest) }
        case .progress(let revision): state.withLock { $0 = max($0, revision) }
        case .created, .ended: return
        }
    }
}
