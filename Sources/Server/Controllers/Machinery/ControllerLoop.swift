import APIClient
import APIErrors
import Logging
import Synchronization
import Wire

/// The edge that controllers of one kind of object share: watches enqueue keys, workers take
/// them, failures come back with backoff.
final class ControllerLoop: Sendable {
    private struct Feed {
        let informer: Informer
        let keys: @Sendable (ObjectChange) -> [ObjectKey]
    }

    private let workers: Workers<ObjectKey>
    private let workerCount: Int
    private let logger: Logger
    private let time: any TimeSource
    private let feeds = Mutex<[Feed]>([])

    init(_ context: ControllerContext) {
        workers = Workers(time: context.time)
        workerCount = context.settings.workers
        logger = context.logger
        time = context.time
    }

    /// Has `keys` worked on when an object of `informer` changes.
    ///
    /// `keys` may look into other copies before these are complete, and miss something then: what
    /// it would find there must be worked on for its own sake once it comes.
    func follow(
        _ informer: Informer, keys: @escaping @Sendable (ObjectChange) -> [ObjectKey]
    ) {
        feeds.withLock { $0.append(Feed(informer: informer, keys: keys)) }
    }

    func add(_ key: ObjectKey) { workers.add(key) }

    /// Works until the task is cancelled, beginning when all copies are complete. `work` returns
    /// after what time it wants to look at the key again, if nothing changes before.
    func run(
        _ work: @escaping @Sendable (ObjectKey) async throws(APIError) -> Duration?
    ) async {
        let feeds = self.feeds.withLock { $0 }
        // Told from the first object on, all loops share the trees that a list is made into.
        let handlers = feeds.map { feed in
            let id = feed.informer.onChange { [workers] change in
                for key in feed.keys(change) { workers.add(key) }
            }
            return (feed.informer, id)
        }
        for feed in feeds { await feed.informer.waitUntilSynced() }
        await workers.run(count: workerCount) { [self] key in
            if workers.takeDropped() { addAll(feeds) }
            do throws(APIError) {
                return try await work(key).map { .again(after: $0) } ?? .done
            } catch {
                note(error, key)
                return .failed
            }
        }
        for (informer, id) in handlers { informer.remove(id) }
    }

    /// Looks at everything again every `period`, until the task is cancelled.
    func tick(every period: Duration, _ keys: @Sendable () -> [ObjectKey]) async {
        while !Task.isCancelled {
            for key in keys() { workers.add(key) }
            do { try await time.sleep(for: period) } catch { return }
        }
    }

    private func addAll(_ feeds: [Feed]) {
        for feed in feeds {
            feed.informer.forEachObject { object in
                for key in feed.keys(ObjectChange(old: nil, new: object)) { workers.add(key) }
            }
        }
    }

    /// Conflicts are how concurrent writers take turns, and no news.
    private func note(_ error: APIError, _ key: ObjectKey) {
        if Task.isCancelled || error.isConflict { return }
        logger.warning("\(key): \(error.message)", metadata: ["code": "\(error.code)"])
    }
}
