import APIErrors
import Authentication
import Kubernetes
import Wire

extension Registry {
    /// Deletes a pod if its disruption budget lets it go.
    func evict(_ operation: Operation) async throws(APIError) -> Outcome {
        guard operation.verb == .create else { throw .methodNotAllowed }
        guard let eviction = PolicyV1.Eviction(try decode(operation)) else {
            throw .badRequest("the body is no Eviction")
        }
        let name = operation.name ?? ""
        guard eviction.metadata.name.isEmpty || eviction.metadata.name == name else {
            throw .badRequest("name in URL does not match name in Eviction object")
        }
        var deletion = operation
        deletion.subresource = nil
        deletion.verb = .delete
        deletion.write = try WriteParameters(
            deleting: QueryParameters(""), body: eviction.deleteOptions)
        deletion.write.isDryRun = deletion.write.isDryRun || operation.write.isDryRun
        guard let pod = CoreV1.Pod(try get(deletion).tree()) else { throw .unknownPath }
        try checkNode(evicting: pod, operation)
        if needsBudget(pod) { try await spendBudget(pod, isDryRun: deletion.write.isDryRun) }
        _ = try await delete(deletion)
        return .tree(Self.created.tree, status: 201)
    }

    /// Pods that are done, waiting or going anyway disturb nobody.
    private func needsBudget(_ pod: CoreV1.Pod) -> Bool {
        pod.metadata.deletionTimestamp == nil
            && !["Succeeded", "Failed", "Pending"].contains(pod.status.phase)
    }

    /// Counts the eviction against the pod's budget, if it has one.
    private func spendBudget(_ pod: CoreV1.Pod, isDryRun: Bool) async throws(APIError) {
        let budgets = try self.budgets(of: pod)
        guard let budget = budgets.first else { return }
        guard budgets.count == 1 else {
            throw .failure("This pod has more than one PodDisruptionBudget, "
                + "which the eviction subresource does not support.")
        }
        guard budget.status.observedGeneration >= budget.metadata.generation else {
            throw .tooManyRequests(
                "Cannot evict pod as it would violate the pod's disruption budget.",
                retryAfterSeconds: 10, causes: [APIError.Cause(
                    reason: "DisruptionBudget",
                    message: "The disruption budget \(budget.metadata.name) is still being processed by the server.")])
        }
        guard budget.status.disruptionsAllowed > 0 else {
            throw .tooManyRequests(
                "Cannot evict pod as it would violate the pod's disruption budget.",
                retryAfterSeconds: 0, causes: [APIError.Cause(
                    reason: "DisruptionBudget",
                    message: "The disruption budget \(budget.metadata.name) needs \(budget.status.desiredHealthy) healthy pods and has \(budget.status.currentHealthy) currently")])
        }
        guard !isDryRun else { return }
        try await count(pod, against: budget)
    }

    private func budgets(of pod: CoreV1.Pod) throws(APIError) -> [PolicyV1.PodDisruptionBudget] {
        var found: [PolicyV1.PodDisruptionBudget] = []
        let listing = Operation(
            caller: .system, verb: .list, of: PolicyV1.PodDisruptionBudget.messageType,
            namespace: pod.metadata.namespace)
        try list(listing).forEachObject { object throws(APIError) in
            guard let budget = PolicyV1.PodDisruptionBudget(try object.tree()),
                (try? LabelSelector(object: budget.spec.selector?.tree))?
                    .matches(pod.metadata.labels) == true
            else { return }
            found.append(budget)
        }
        return found
    }

    private func count(
        _ pod: CoreV1.Pod, against budget: PolicyV1.PodDisruptionBudget
    ) async throws(APIError) {
        var operation = Operation(
            caller: .system, verb: .update, of: PolicyV1.PodDisruptionBudget.messageType,
            namespace: budget.metadata.namespace)
        operation.subresource = operation.resource.subresources.first { $0.name == "status" }
        let now = environment.now()
        _ = try await change(operation, name: budget.metadata.name, retries: true) {
            (current: Message) throws(APIError) in
            guard var budget = PolicyV1.PodDisruptionBudget(current) else { return current }
            guard budget.status.disruptionsAllowed > 0 else { throw .tooManyRequests() }
            budget.status.disruptionsAllowed -= 1
            budget.status.disruptedPods[pod.metadata.name] = now
            return budget.tree
        }
    }
}

extension Operation {
    /// An operation of the server itself on a kind that a resource serves.
    init(caller: UserInfo, verb: Verb, of type: MessageType, namespace: String? = nil) {
        guard let resource = type.resource else {
            preconditionFailure("\(type.name) is served by no resource")
        }
        self.init(
            caller: caller, verb: verb, type: type, resource: resource, namespace: namespace)
    }
}
