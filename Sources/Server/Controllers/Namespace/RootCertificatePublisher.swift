import APIClient
import APIErrors
import Kubernetes
import Wire

/// Puts the certificates of the API server's authority into each namespace, for its pods.
public struct RootCertificatePublisher: Controller {
    public static let name = "root-ca-cert-publisher"
    static let mapName = "kube-root-ca.crt"
    private static let dataKey = "ca.crt"
    private static let annotation = "kubernetes.io/description"
    private static let description =
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
        + "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
        + "guaranteed across distributions of Kubernetes clusters."

    private let certificates: String
    private let loop: ControllerLoop
    private let writer: Writer
    private let namespaces: Informer
    private let maps: Informer

    public init(_ context: ControllerContext) {
        certificates = context.settings.rootCertificates
        loop = ControllerLoop(context)
        writer = Writer(context)
        namespaces = context.informers.informer(CoreV1.Namespace.messageType)
        maps = context.informers.informer(CoreV1.ConfigMap.messageType)
        loop.follow(namespaces) { [$0.key] }
        loop.follow(maps) { change in
            change.key.name == Self.mapName ? [ObjectKey(name: change.key.namespace)] : []
        }
    }

    public func run() async {
        guard !certificates.isEmpty else { return }
        await loop.run { key throws(APIError) in
            let namespace = namespaces.view(CoreV1.Namespace.self, key)
            let there = maps.view(
                CoreV1.ConfigMap.self, ObjectKey(namespace: key.name, name: Self.mapName))
            try await writer.perform(Self.writes(namespace, map: there, certificates))
            return nil
        }
    }

    static func writes(
        _ namespace: CoreV1.Namespace?, map: CoreV1.ConfigMap?, _ certificates: String
    ) -> [Write] {
        guard let namespace, namespace.isActive else { return [] }
        var wanted = map ?? CoreV1.ConfigMap()
        wanted.metadata.name = mapName
        wanted.metadata.namespace = namespace.metadata.name
        wanted.metadata.annotations[annotation] = description
        wanted.data = [dataKey: certificates]
        guard let map else { return [.create(wanted.tree)] }
        return wanted == map ? [] : [.update(wanted.tree)]
    }
}
