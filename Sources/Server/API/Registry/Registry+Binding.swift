import APIErrors
import Kubernetes
import Wire

extension Registry {
    /// Puts a pod on a node: the only way in which a pod gets one after its creation.
    func bind(_ operation: Operation) async throws(APIError) -> Outcome {
        guard operation.verb == .create else { throw .methodNotAllowed }
        guard let binding = CoreV1.Binding(try decode(operation)) else {
            throw .badRequest("the body is no Binding")
        }
        try checkTarget(binding.target)
        try checkNamespace(binding.tree, operation)
        var pods = operation
        pods.verb = .update
        let name = operation.name ?? binding.metadata.name
        let now = Timestamp(seconds: environment.now().seconds)
        _ = try await change(pods, name: name, retries: true) {
            (current: Message) throws(APIError) in
            guard let pod = CoreV1.Pod(current) else { return current }
            return try Self.bound(pod, by: binding, at: now).tree
        }
        return .tree(Self.created.tree, status: 201)
    }

    static let created = MetaV1.Status {
        $0.status = "Success"
        $0.code = 201
    }

    private func checkTarget(_ target: CoreV1.ObjectReference) throws(APIError) {
        if !["", "Node"].contains(target.kind) {
            throw .failure("target.kind: Unsupported value: \"\(target.kind)\": "
                + "supported values: \"Node\", \"<empty>\"")
        }
        if target.name.isEmpty { throw .failure("target.name: Required value") }
    }

    private static func bound(
        _ pod: CoreV1.Pod, by binding: CoreV1.Binding, at now: Timestamp
    ) throws(APIError) -> CoreV1.Pod {
        var pod = pod
        let name = pod.metadata.name
        let resource = GroupResource(resource: "pods/binding")
        let given = binding.metadata.uid
        if !given.isEmpty, given != pod.metadata.uid {
            throw .conflict(resource, name, because:
                "Precondition failed: UID in precondition: \(given), UID in object meta: \(pod.metadata.uid)")
        }
        if pod.metadata.deletionTimestamp != nil {
            throw .conflict(resource, name, because: "pod \(name) is being deleted, cannot be assigned to a host")
        }
        if !pod.spec.nodeName.isEmpty {
            throw .conflict(resource, name, because:
                "pod \(name) is already assigned to node \"\(pod.spec.nodeName)\"")
        }
        if !pod.spec.schedulingGates.isEmpty {
            throw .conflict(resource, name, because: "pod \(name) has non-empty .spec.schedulingGates")
        }
        pod.spec.nodeName = binding.target.name
        for (key, value) in binding.metadata.annotations { pod.metadata.annotations[key] = value }
        for (key, value) in binding.metadata.labels { pod.metadata.labels[key] = value }
        pod.status.conditions.removeAll { $0.type == "PodScheduled" }
        pod.status.conditions.append(CoreV1.PodCondition {
            $0.type = "PodScheduled"
            $0.status = "True"
            $0.lastTransitionTime = now
        })
        return pod
    }
}
