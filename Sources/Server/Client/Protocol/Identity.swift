/// Who a part of the process is, when it asks the API for something.
public struct Identity: Hashable, Sendable {
    public let user: String
    public let groups: [String]

    public init(user: String, groups: [String]) {
        self.user = user
        self.groups = groups
    }

    /// A service account: `system:serviceaccount:kube-system:deployment-controller`.
    public static func serviceAccount(
        _ name: String, namespace: String = "kube-system"
    ) -> Identity {
        Identity(
            user: "system:serviceaccount:\(namespace):\(name)",
            groups: [
                "system:serviceaccounts", "system:serviceaccounts:\(namespace)",
                "system:authenticated",
            ])
    }

    /// A component of the control plane: `system:kube-controller-manager`.
    public static func component(_ name: String) -> Identity {
        Identity(user: "system:\(name)", groups: ["system:authenticated"])
    }

    /// A node: `system:node:n1`.
    public static func node(_ name: String) -> Identity {
        Identity(user: "system:node:\(name)", groups: ["system:nodes", "system:authenticated"])
    }
}

/// Makes a client that acts under an identity.
public typealias ClientFactory = @Sendable (Identity) -> any APIClient
