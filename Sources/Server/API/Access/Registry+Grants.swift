import APIErrors
import Authentication
import Authorization
import Kubernetes
import Wire

extension Registry {
    /// Nobody may grant more than she holds: checks what a write is about to store.
    ///
    /// - Throws: 403 that lists the rights that the caller lacks; 404 for a binding to no role.
    func checkGrant(_ new: Message, _ old: Message?, _ operation: Operation) throws(APIError) {
        guard new.type.group == "rbac.authorization.k8s.io" else { return }
        let check = EscalationCheck(authorizer: authorizer, policy: policy.current)
        let user = operation.caller
        if let role = RbacV1.Role(new) {
            try check.permit(role: role, replacing: old.flatMap { RbacV1.Role($0) }, by: user)
        } else if let role = RbacV1.ClusterRole(new) {
            try check.permit(role: role, replacing: old.flatMap { RbacV1.ClusterRole($0) }, by: user)
        } else if let binding = RbacV1.RoleBinding(new) {
            try check.permit(
                binding: binding, replacing: old.flatMap { RbacV1.RoleBinding($0) }, by: user)
        } else if let binding = RbacV1.ClusterRoleBinding(new) {
            try check.permit(
                binding: binding, replacing: old.flatMap { RbacV1.ClusterRoleBinding($0) }, by: user)
        }
    }
}
