import APIErrors
import Authentication
import Kubernetes
import Synchronization
import Wire

/// All objects of a kind that has few of them, at hand as trees, kept up with the store.
final class ObservedObjects<Kind: MessageView>: Sendable {
    private let objects = Mutex<[String: Kind]>([:])

    /// The objects as they are now, in no order.
    var current: [Kind] { objects.withLock { Array($0.values) } }

    /// Takes in what is there, and follows what changes.
    func follow(_ registry: Registry) throws(APIError) {
        registry.hub.observe([Kind.messageType]) { [weak self] event in self?.take(event) }
        try registry.forEach(Kind.messageType) { tree in put(tree) }
    }

    private func take(_ event: ObjectEvent) {
        do throws(APIError) {
            let isGone = event.object == nil
            let tree = try event.shown(as: isGone ? .deleted : .modified).tree()
            if isGone {
                objects.withLock { _ = $0.removeValue(forKey: Self.key(tree)) }
            } else {
                put(tree)
            }
        } catch {
            preconditionFailure("an object that was just written cannot be read: \(error.message)")
        }
    }

    private func put(_ tree: Message) {
        objects.withLock { $0[Self.key(tree)] = Kind(tree) }
    }

    private static func key(_ tree: Message) -> String {
        "\(tree.metadata.namespace)/\(tree.metadata.name)"
    }
}

extension Registry {
    /// Every object of a type, as trees.
    func forEach(_ type: MessageType, _ body: (Message) -> Void) throws(APIError) {
        let all = Operation(caller: .system, verb: .list, of: type)
        try list(all).forEachObject { object throws(APIError) in body(try object.tree()) }
    }
}
