public import Kubernetes
import Wire

/// Who sends a request.
public struct UserInfo: Hashable, Sendable {
    public var name: String
    public var uid: String
    public var groups: [String]
    /// What else the credential says, such as the pod that a token belongs to.
    public var extra: [String: [String]]

    public init(name: String, uid: String = "", groups: [String] = [],
                extra: [String: [String]] = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    /// Somebody without credentials.
    public static let anonymous = UserInfo(
        name: Name.anonymous, groups: [Group.unauthenticated])

    /// A service account, in the groups that all service accounts are in. Without
    /// `system:authenticated`, which authentication adds.
    public static func serviceAccount(
        namespace: String, name: String, uid: String = "", extra: [String: [String]] = [:]
    ) -> UserInfo {
        UserInfo(name: "\(Name.serviceAccountPrefix)\(namespace):\(name)", uid: uid,
                 groups: [Group.serviceAccounts, "\(Group.serviceAccounts):\(namespace)"],
                 extra: extra)
    }

    /// The same user in `system:authenticated`, unless the groups say already which it is.
    public var authenticated: UserInfo {
        guard name != Name.anonymous, !groups.contains(Group.authenticated),
            !groups.contains(Group.unauthenticated)
        else { return self }
        var user = self
        user.groups.append(Group.authenticated)
        return user
    }

    /// Well-known names of users.
    public enum Name {
        public static let anonymous = "system:anonymous"
        public static let serviceAccountPrefix = "system:serviceaccount:"
        public static let nodePrefix = "system:node:"
    }

    /// Well-known groups.
    public enum Group {
        public static let authenticated = "system:authenticated"
        public static let unauthenticated = "system:unauthenticated"
        public static let masters = "system:masters"
        public static let nodes = "system:nodes"
        public static let serviceAccounts = "system:serviceaccounts"
    }

    /// Keys of ``extra``.
    public enum ExtraKey {
        public static let credentialID = "authentication.kubernetes.io/credential-id"
        public static let podName = "authentication.kubernetes.io/pod-name"
        public static let podUID = "authentication.kubernetes.io/pod-uid"
        public static let nodeName = "authentication.kubernetes.io/node-name"
        public static let nodeUID = "authentication.kubernetes.io/node-uid"
    }
}

extension UserInfo {
    /// As a tree, which reviews answer with.
    public var view: AuthenticationV1.UserInfo {
        AuthenticationV1.UserInfo {
            $0.username = name
            $0.uid = uid
            $0.groups = groups
            $0.extra = extra
        }
    }
}
