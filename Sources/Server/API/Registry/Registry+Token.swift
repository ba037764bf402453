import APIErrors
import Authentication
import Kubernetes
import Wire

extension Registry {
    /// Makes a token for a service account, bound to a pod, secret or node if the request says so.
    func requestToken(_ operation: Operation) throws(APIError) -> Outcome {
        guard operation.verb == .create else { throw .methodNotAllowed }
        var main = operation
        main.subresource = nil
        guard let account = CoreV1.ServiceAccount(try get(main).tree()),
            let request = AuthenticationV1.TokenRequest(try decode(operation))
        else { throw .badRequest("the body is no TokenRequest") }
        try checkNode(asking: request, for: account, operation)
        var binding = TokenRequests.Binding()
        if let bound = try tokens.boundObject(of: request) {
            try look(up: bound, in: account.metadata.namespace, into: &binding)
        }
        let answer = try tokens.answer(
            request, for: account.metadata, binding: binding, now: environment.now(),
            makeUID: environment.makeUID)
        return .tree(answer.tree, status: 201)
    }

    private func look(
        up bound: TokenRequests.BoundObject, in namespace: String,
        into binding: inout TokenRequests.Binding
    ) throws(APIError) {
        switch bound.what {
        case .pod:
            let pod: CoreV1.Pod = try existing(namespace, bound.name)
            binding.pod = pod
            if !pod.spec.nodeName.isEmpty {
                let node: CoreV1.Node? = try find(namespace: nil, name: pod.spec.nodeName)
                binding.node = node?.metadata
            }
        case .secret:
            let secret: CoreV1.Secret = try existing(namespace, bound.name)
            binding.secret = secret.metadata
        case .node:
            let node: CoreV1.Node = try existing(nil, bound.name)
            binding.node = node.metadata
        case .serviceAccount: break
        }
    }

    func existing<Kind: MessageView>(
        _ namespace: String?, _ name: String
    ) throws(APIError) -> Kind {
        guard let found: Kind = try find(namespace: namespace, name: name) else {
            throw .notFound(GroupResource(Kind.messageType), name)
        }
        return found
    }

    /// What a token depends on, for its verification.
    public func found(
        _ what: ServiceAccountTokens.Bound, namespace: String, name: String
    ) throws(APIError) -> ServiceAccountTokens.Found? {
        switch what {
        case .serviceAccount:
            let account: CoreV1.ServiceAccount? = try find(namespace: namespace, name: name)
            return account.map { .init($0.metadata) }
        case .secret:
            let secret: CoreV1.Secret? = try find(namespace: namespace, name: name)
            return secret.map { .init($0.metadata, token: $0.data["token"] ?? []) }
        case .pod:
            let pod: CoreV1.Pod? = try find(namespace: namespace, name: name)
            return pod.map { .init($0.metadata) }
        case .node:
            let node: CoreV1.Node? = try find(namespace: nil, name: name)
            return node.map { .init($0.metadata) }
        }
    }
}

extension ServiceAccountTokens.Found {
    fileprivate init(_ metadata: MetaV1.ObjectMeta, token: [UInt8] = []) {
        self.init(uid: metadata.uid, deletedAt: metadata.deletionTimestamp, token: token)
    }
}
