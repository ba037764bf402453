import APIClient
import APIErrors
import Kubernetes
import Wire

/// Empties namespaces that are being deleted, and then lets go of them.
public struct NamespaceController: Controller {
    public static let name = "namespace-controller"
    static let finalizer = "kubernetes"
    /// How soon to look again at a namespace that is not empty yet.
    static let pause = Duration.seconds(1)
    private static let pageSize = 500

    private let context: ControllerContext
    private let loop: ControllerLoop
    private let writer: Writer
    private let namespaces: Informer

    public init(_ context: ControllerContext) {
        self.context = context
        loop = ControllerLoop(context)
        writer = Writer(context)
        namespaces = context.informers.informer(CoreV1.Namespace.messageType)
        loop.follow(namespaces) { [$0.key] }
    }

    public func run() async {
        await loop.run { key throws(APIError) in
            guard let namespace = namespaces.view(CoreV1.Namespace.self, key),
                namespace.metadata.isBeingDeleted,
                namespace.spec.finalizers.contains(Self.finalizer)
            else { return nil }
            let content = try await empty(key.name)
            let decision = Self.decide(namespace, content, now: context.time.now)
            try await writer.perform(decision.writes)
            return decision.again
        }
    }

    /// What to do with a namespace that is being deleted, after a look at what is left in it.
    static func decide(
        _ namespace: CoreV1.Namespace, _ content: NamespaceContent, now: Timestamp
    ) -> Decision {
        var updated = namespace
        if content.isEmpty {
            updated.spec.finalizers.removeAll { $0 == finalizer }
            return Decision(writes: [.updatePart(updated.tree, "finalize")])
        }
        updated.status.phase = "Terminating"
        content.apply(to: &updated.status, now: now)
        let writes = updated == namespace ? [] : [Write.updatePart(updated.tree, "status")]
        return Decision(writes: writes, again: pause)
    }

    /// Deletes what is in a namespace, pods before all else, and tells what is left.
    private func empty(_ namespace: String) async throws(APIError) -> NamespaceContent {
        var content = NamespaceContent()
        await empty(namespace, of: CoreV1.Pod.messageType, &content)
        guard content.isEmpty else { return content }
        for type in Self.contentTypes { await empty(namespace, of: type, &content) }
        return content
    }

    private func empty(
        _ namespace: String, of type: MessageType, _ content: inout NamespaceContent
    ) async {
        let address = ResourceAddress(type, namespace: namespace)
        do throws(APIError) {
            guard try await !isEmpty(address) else { return }
            try await context.client.deleteCollection(
                address, DeleteOptions(propagation: .background), ListOptions())
            let left = try await objects(address)
            content.add("\(address.resource.name).\(type.group)", left)
        } catch {
            // What is not served holds nothing.
            if error.isNotFound || error.reason == .methodNotAllowed { return }
            content.failures.append("\(address.resource.name): \(error.message)")
        }
    }

    private func isEmpty(_ address: ResourceAddress) async throws(APIError) -> Bool {
        try await context.client.list(address, ListOptions(limit: 1)).items.isEmpty
    }

    private func objects(_ address: ResourceAddress) async throws(APIError) -> [Message] {
        var options = ListOptions(limit: Self.pageSize)
        var objects: [Message] = []
        repeat {
            let page = try await context.client.list(address, options)
            for item in page.items { objects.append(try item.tree()) }
            options.continuation = page.continuation
        } while options.continuation != nil
        return objects
    }

    /// Kinds that live in namespaces and can be listed and deleted, each in one version.
    private static let contentTypes: [MessageType] = {
        var seen: Set<String> = []
        return Schema.resourceTypes.filter { type in
            guard let resource = type.resource, resource.isNamespaced,
                resource.verbs.contains("list"), resource.verbs.contains("deletecollection")
            else { return false }
            return seen.insert("\(resource.name).\(type.group)").inserted
        }
    }()
}
