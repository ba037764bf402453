import APIErrors
import Kubernetes
import Rules
import Store
import StoreCore
import Wire

extension Registry {
    /// Deletes an object, or marks it for those who have to do something first: its finalizers, the
    /// garbage collector, the node that runs it.
    func delete(_ operation: Operation) async throws(APIError) -> Outcome {
        let name = operation.name ?? ""
        for _ in 0...Self.retriesMax {
            guard let stored = try find(operation, name: name) else {
                throw .notFound(operation.qualified, name)
            }
            let tree = try stored.tree()
            try checkPreconditions(tree, operation)
            try checkMayGo(operation, name: name)
            try checkNode(deleting: tree, operation)
            let step = deletionStep(tree, operation)
            do throws(StoreError) {
                return try await carryOut(step, stored, tree, operation)
            } catch {
                guard case .conflict = error else { throw APIError(store: error) }
            }
        }
        throw .conflict(operation.qualified, name)
    }

    /// What a deletion comes to.
    enum DeletionStep {
        case remove(Message)
        case mark(Message)
        case nothing
    }

    private func checkPreconditions(_ tree: Message, _ operation: Operation) throws(APIError) {
        let options = operation.write.delete
        let meta = tree.metadata
        if let uid = options.preconditionUID, uid != meta.uid {
            throw .uidPrecondition(GroupKind(tree.type), meta.name, wanted: uid, actual: meta.uid)
        }
        if let version = options.preconditionResourceVersion, version != meta.resourceVersion {
            throw .resourceVersionPrecondition(
                GroupKind(tree.type), meta.name, wanted: version, actual: meta.resourceVersion)
        }
    }

    /// The namespaces of the system stay.
    private func checkMayGo(_ operation: Operation, name: String) throws(APIError) {
        let kept = ["default", "kube-system", "kube-public"]
        guard operation.type === Self.namespaceType, kept.contains(name) else { return }
        throw .forbidden(
            operation.qualified, name, because: "this namespace may not be deleted")
    }

    func deletionStep(_ tree: Message, _ operation: Operation) -> DeletionStep {
        var marked = tree
        let options = operation.write.delete
        let old = tree.metadata
        marked.metadata.finalizers = finalizers(old.finalizers, options.propagation, tree)
        let grace = gracePeriodSeconds(tree, asked: options.gracePeriodSeconds)
        let keepsItself = CoreV1.Namespace(tree).map { !$0.spec.finalizers.isEmpty } ?? false
        let mustWait = grace > 0 || !marked.metadata.finalizers.isEmpty || keepsItself
        if old.deletionTimestamp != nil {
            let shortens = grace < old.deletionGracePeriodSeconds ?? 0
            if !mustWait {
                marked.metadata.deletionGracePeriodSeconds = 0
                return .remove(marked)
            }
            guard shortens || marked.metadata.finalizers != old.finalizers else { return .nothing }
            if shortens { setDeletion(&marked, grace: grace) }
            return .mark(marked)
        }
        guard mustWait else {
            if isGraceful(tree) { setDeletion(&marked, grace: 0) }
            return .remove(marked)
        }
        if var namespace = CoreV1.Namespace(marked) {
            namespace.status.phase = "Terminating"
            namespace.metadata.deletionTimestamp = now
            return .mark(namespace.tree)
        }
        setDeletion(&marked, grace: grace)
        return .mark(marked)
    }

    private var now: Timestamp { Timestamp(seconds: environment.now().seconds) }

    private func setDeletion(_ tree: inout Message, grace: Int) {
        if tree.metadata.deletionTimestamp == nil, tree.metadata.generation > 0 {
            tree.metadata.generation += 1
        }
        tree.metadata.deletionTimestamp = Timestamp(seconds: now.seconds + Int64(grace))
        tree.metadata.deletionGracePeriodSeconds = grace
    }

    /// Only pods end gracefully.
    private func isGraceful(_ tree: Message) -> Bool { tree.type === CoreV1.Pod.messageType }

    /// How long the node may take to end a pod; 0 for all that does not run on one.
    private func gracePeriodSeconds(_ tree: Message, asked: Int?) -> Int {
        guard let pod = CoreV1.Pod(tree) else { return 0 }
        if pod.spec.nodeName.isEmpty || ["Succeeded", "Failed"].contains(pod.status.phase) { return 0 }
        let own = pod.spec.terminationGracePeriodSeconds ?? 30
        let grace = max(0, asked ?? own)
        guard pod.metadata.deletionTimestamp != nil else { return grace }
        return min(grace, pod.metadata.deletionGracePeriodSeconds ?? grace)
    }

    /// The garbage collector's finalizers, as the propagation policy has them.
    private func finalizers(
        _ old: [String], _ propagation: DeletionParameters.Propagation?, _ tree: Message
    ) -> [String] {
        let own = ["orphan", "foregroundDeletion"]
        switch propagation {
        case nil: return old
        case .background: return old.filter { !own.contains($0) }
        case .orphan: return old.filter { !own.contains($0) } + ["orphan"]
        case .foreground: return old.filter { !own.contains($0) } + ["foregroundDeletion"]
        }
    }

    private func carryOut(
        _ step: DeletionStep, _ stored: EncodedObject, _ tree: Message, _ operation: Operation
    ) async throws(StoreError) -> Outcome {
        let key = key(operation, name: tree.metadata.name)
        let isDry = operation.write.isDryRun
        switch step {
        case .nothing: return .object(stored, isNew: false)
        case .mark(let marked):
            let object = EncodedObject(marked, revision: stored.revision)
            guard !isDry else { return .object(object, isNew: false) }
            let revision = try await store.put(key, object.bytes, expecting: stored.revision)
            return .object(
                EncodedObject(type: object.type, bytes: object.bytes, revision: revision), isNew: false)
        case .remove(let removed):
            var revision = stored.revision
            if !isDry { revision = try await store.delete(key, expecting: stored.revision) }
            guard KindTraits.deletionAnswersWithObject(tree.type) else {
                return .tree(deleted(tree, operation), status: 200)
            }
            let object = EncodedObject(removed, revision: .none)
            return .object(
                EncodedObject(type: object.type, bytes: object.bytes, revision: revision), isNew: false)
        }
    }

    private func deleted(_ tree: Message, _ operation: Operation) -> Message {
        MetaV1.Status {
            $0.status = "Success"
            $0.details = MetaV1.StatusDetails {
                $0.name = tree.metadata.name
                $0.group = tree.type.group
                $0.kind = operation.resource.name
                $0.uid = tree.metadata.uid
            }
        }.tree
    }

    /// Deletes every object of a list, and answers with what they were.
    func deleteCollection(_ operation: Operation) async throws(APIError) -> Outcome {
        let answer = try list(operation)
        var names: [(namespace: String?, name: String)] = []
        try answer.forEachObject { object throws(APIError) in
            let meta = try object.tree().metadata
            names.append((meta.namespace.isEmpty ? nil : meta.namespace, meta.name))
        }
        for (namespace, name) in names {
            var one = operation
            one.verb = .delete
            one.namespace = namespace
            one.name = name
            do throws(APIError) { _ = try await delete(one) } catch where error.reason == .notFound {
                continue  // Gone already, which is what was asked for.
            }
        }
        return .list(answer)
    }
}
