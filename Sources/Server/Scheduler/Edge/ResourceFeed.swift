import APIClient
import APIErrors
import Kubernetes
import Logging
import Synchronization
import Wire

/// Follows a resource and describes its objects in the engine's terms. Keeps no copy of them.
final class ResourceFeed<Kind: MessageView, Name: Hashable & Sendable, Description: Sendable>:
    Sendable
{
    private let name: @Sendable (MetaV1.ObjectMeta) -> Name
    private let describe: @Sendable (Kind) -> Description
    private let updates = Mutex(Updates<Name, Description>())

    init(
        name: @escaping @Sendable (MetaV1.ObjectMeta) -> Name,
        describe: @escaping @Sendable (Kind) -> Description
    ) {
        (self.name, self.describe) = (name, describe)
    }

    /// Whether all objects have been told of once.
    var isComplete: Bool { updates.withLock { $0.isComplete } }

    func take() -> [Updates<Name, Description>.Update] { updates.withLock { $0.take() } }

    /// Follows the resource until the task is cancelled, and calls `notify` when there is
    /// something to take.
    func run(
        _ client: any APIClient, _ time: any TimeSource, _ logger: Logger,
        notify: @escaping @Sendable () -> Void
    ) async {
        let reflector = Reflector(
            ResourceAddress(Kind.messageType), client: client, time: time, logger: logger)
        await reflector.run { [self] effect throws(APIError) in
            try take(effect)
            notify()
        }
    }

    private func take(_ effect: Reflection.Effect) throws(APIError) {
        switch effect {
        case .page(let objects, let isFirst, let revision):
            if isFirst { updates.withLock { $0.beginList() } }
            for object in objects { try put(object) }
            if revision != nil { updates.withLock { $0.endList() } }
        case .put(let object): try put(object)
        case .remove(let object):
            let name = name(try object.metadata())
            updates.withLock { $0.remove(name) }
        case .advance: break
        }
    }

    private func put(_ object: StoredObject) throws(APIError) {
        guard let view = Kind(try object.tree()) else { return }
        let (name, description) = (name(view.tree.objectMeta), describe(view))
        updates.withLock { $0.put(name, description) }
    }
}
