public import Store
public import StoreCore

/// Gives up history bit by bit, so that the store does not keep every version of every object.
///
/// What happened within the last interval can always be read, and what happened before the last two
/// cannot. Has no clock: whoever runs it says when an interval has passed.
///
/// - Source: kube-apiserver's `--etcd-compaction-interval`.
public struct HistoryCompaction: Sendable {
    private let store: Store
    /// The newest revision when the last interval ended.
    private var mark = Revision.none

    public init(of store: Store) { self.store = store }

    /// Gives up what was history when the interval before this one ended. Does nothing if nobody
    /// has written since.
    ///
    /// - Throws: ``StoreError``; never `.compacted`, as what is given up already is well.
    public mutating func intervalPassed() async throws(StoreError) {
        let old = mark
        mark = store.revision
        guard old > store.compactedRevision else { return }
        do throws(StoreError) { try await store.compact(at: old) } catch .compacted { return }
    }
}
