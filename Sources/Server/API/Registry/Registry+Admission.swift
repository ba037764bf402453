import APIErrors
import Authentication
import Kubernetes
import Rules
import Wire

extension Registry {
    /// What is added to an object, and asked of it, beside what its kind says: Kubernetes' built-in
    /// admission.
    ///
    /// - Throws: 403.
    func admit(_ tree: inout Message, old: Message?, _ operation: Operation) throws(APIError) {
        if old == nil, operation.subresource == nil {
            ObjectAdmission.applyOnCreate(to: &tree)
            if var pod = CoreV1.Pod(tree) {
                try admit(&pod, operation)
                tree = pod.tree
            }
        }
        try checkNode(tree, old, operation)
        try checkGrant(tree, old, operation)
    }

    private func admit(_ pod: inout CoreV1.Pod, _ operation: Operation) throws(APIError) {
        do throws(PodAdmission.Refusal) {
            try PodAdmission.applyPriority(of: priorityClass(pod.spec.priorityClassName), to: &pod)
        } catch {
            throw .forbidden(operation.qualified, pod.metadata.name, because: error.message)
        }
        try applyServiceAccount(to: &pod, operation)
        PodAdmission.applyDefaultTolerations(to: &pod)
        try applyRuntimeClass(to: &pod, operation)
    }

    private func applyServiceAccount(
        to pod: inout CoreV1.Pod, _ operation: Operation
    ) throws(APIError) {
        // A pod that a node mirrors from its own files has no account.
        guard pod.metadata.annotations["kubernetes.io/config.mirror"] == nil else { return }
        let name = PodAdmission.serviceAccountName(of: pod)
        let namespace = operation.namespace ?? ""
        guard let account: CoreV1.ServiceAccount = try find(namespace: namespace, name: name) else {
            throw .forbidden(
                operation.qualified, pod.metadata.name,
                because: PodAdmission.missingServiceAccount(name, namespace: namespace).message)
        }
        PodAdmission.applyServiceAccount(
            account, to: &pod, volumeSuffix: GeneratedName.suffix(environment.random()))
    }

    /// The class of a name; of the empty name the one that is the cluster's default.
    private func priorityClass(_ name: String) -> SchedulingV1.PriorityClass? {
        if !name.isEmpty {
            return (try? find(namespace: nil, name: name)) ?? nil
        }
        return defaultPriorityClass()
    }

    private func defaultPriorityClass() -> SchedulingV1.PriorityClass? {
        priorityClasses.current.filter(\.globalDefault).max { $0.value < $1.value }
    }

    /// An object of a kind, if it is there.
    func find<Kind: MessageView>(namespace: String?, name: String) throws(APIError) -> Kind? {
        guard let resource = Kind.messageType.resource,
            let found = try find(Kind.messageType, resource, namespace: namespace, name: name)
        else { return nil }
        return Kind(try found.tree())
    }

    func rulesContext(_ operation: Operation) -> RulesContext {
        RulesContext(
            now: environment.now(), uid: operation.verb == .create ? environment.makeUID() : "",
            requester: RulesContext.Requester(
                name: operation.caller.name, uid: operation.caller.uid,
                groups: operation.caller.groups, extra: operation.caller.extra),
            nodePorts: ServiceRange.nodePorts, isTimeZone: environment.isTimeZone)
    }
}
