import APIClient
import APIErrors
import Kubernetes
import Wire

/// Sees to it that each namespace has the service account `default`.
public struct ServiceAccountController: Controller {
    public static let name = "service-account-controller"
    static let accountName = "default"

    private let loop: ControllerLoop
    private let writer: Writer
    private let namespaces: Informer
    private let accounts: Informer

    public init(_ context: ControllerContext) {
        loop = ControllerLoop(context)
        writer = Writer(context)
        namespaces = context.informers.informer(CoreV1.Namespace.messageType)
        accounts = context.informers.informer(CoreV1.ServiceAccount.messageType)
        loop.follow(namespaces) { [$0.key] }
        loop.follow(accounts) { change in
            let isLost = change.new == nil && change.key.name == Self.accountName
            return isLost ? [ObjectKey(name: change.key.namespace)] : []
        }
    }

    public func run() async {
        await loop.run { key throws(APIError) in
            let namespace = namespaces.view(CoreV1.Namespace.self, key)
            let there = accounts.object(ObjectKey(namespace: key.name, name: Self.accountName))
            try await writer.perform(Self.writes(namespace, account: there))
            return nil
        }
    }

    static func writes(_ namespace: CoreV1.Namespace?, account: Message?) -> [Write] {
        guard let namespace, namespace.isActive, account == nil else { return [] }
        let account = CoreV1.ServiceAccount {
            $0.metadata.name = accountName
            $0.metadata.namespace = namespace.metadata.name
        }
        return [.create(account.tree)]
    }
}

extension CoreV1.Namespace {
    /// New objects may be made in it.
    var isActive: Bool { !metadata.isBeingDeleted && status.phase != "Terminating" }
}
