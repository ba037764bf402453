import APIErrors
import Authorization
import Kubernetes
import StoreCore
import Synchronization
import Wire

/// The roles and bindings that are in force, kept up with the store: a write of one holds from the
/// moment that it is acknowledged.
final class AccessPolicy: Sendable {
    private let policy = Mutex(RBACPolicy())

    private static let types = [
        RbacV1.Role.messageType, RbacV1.ClusterRole.messageType, RbacV1.RoleBinding.messageType,
        RbacV1.ClusterRoleBinding.messageType,
    ]

    /// The policy as it is now.
    var current: RBACPolicy { policy.withLock { $0 } }

    /// Takes in what is there, and follows what changes.
    func follow(_ registry: Registry) throws(APIError) {
        registry.hub.observe(Self.types) { [weak self] event in self?.take(event) }
        for type in Self.types {
            try registry.forEach(type) { tree in policy.withLock { $0.upsert(tree) } }
        }
    }

    private func take(_ event: ObjectEvent) {
        do throws(APIError) {
            let tree = try event.shown(as: event.object == nil ? .deleted : .modified).tree()
            policy.withLock { policy in
                if event.object == nil {
                    policy.delete(
                        event.type, namespace: tree.metadata.namespace, name: tree.metadata.name)
                } else {
                    policy.upsert(tree)
                }
            }
        } catch {
            preconditionFailure("a role that was just written cannot be read: \(error.message)")
        }
    }
}
