import APIErrors
import Authorization
import Kubernetes
import Wire

extension Registry {
    /// Nodes write about themselves and their own pods.
    ///
    /// - Throws: 403 if a node is about to write something else.
    func checkNode(_ new: Message, _ old: Message?, _ operation: Operation) throws(APIError) {
        guard let node = NodeRestriction(of: operation.caller) else { return }
        let (name, namespace) = (new.metadata.name, new.metadata.namespace)
        let isMain = operation.subresource == nil
        if let new = CoreV1.Node(new) {
            try refuse(
                node.refusal(of: new, replacing: old.flatMap { CoreV1.Node($0) }, named: name),
                operation, name)
        } else if let new = CoreV1.Pod(new) {
            if operation.subresource?.name == "status", let old = old.flatMap({ CoreV1.Pod($0) }) {
                try refuse(node.refusal(ofStatus: new, replacing: old), operation, name)
            } else if isMain, old == nil {
                let itself: CoreV1.Node = try existing(nil, node.node)
                try refuse(node.refusal(of: new, uid: itself.metadata.uid), operation, name)
            }
        } else if old == nil, new.type === CoordinationV1.Lease.messageType {
            try refuse(node.refusal(ofLease: name, in: namespace), operation, name)
        } else if old == nil, new.type === StorageV1.CSINode.messageType {
            try refuse(node.refusal(ofCSINode: name), operation, name)
        }
    }

    func checkNode(deleting tree: Message, _ operation: Operation) throws(APIError) {
        guard operation.subresource == nil, let node = NodeRestriction(of: operation.caller),
            let pod = CoreV1.Pod(tree)
        else { return }
        try refuse(node.refusal(ofDeleting: pod), operation, pod.metadata.name)
    }

    func checkNode(evicting pod: CoreV1.Pod, _ operation: Operation) throws(APIError) {
        guard let node = NodeRestriction(of: operation.caller) else { return }
        try refuse(node.refusal(ofEvicting: pod), operation, pod.metadata.name)
    }

    func checkNode(
        asking request: AuthenticationV1.TokenRequest, for account: CoreV1.ServiceAccount,
        _ operation: Operation
    ) throws(APIError) {
        guard let node = NodeRestriction(of: operation.caller) else { return }
        let bound = request.spec.boundObjectRef
        var pod: CoreV1.Pod?
        if let name = bound?.name, !name.isEmpty {
            pod = try find(namespace: account.metadata.namespace, name: name)
        }
        try refuse(
            node.refusal(ofTokenBoundTo: bound, pod: pod), operation, account.metadata.name)
    }

    private func refuse(
        _ refusal: NodeRestriction.Refusal?, _ operation: Operation, _ name: String
    ) throws(APIError) {
        guard let refusal else { return }
        throw .forbidden(operation.qualified, name, because: refusal)
    }
}
