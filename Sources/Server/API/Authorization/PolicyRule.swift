public import Kubernetes
import Wire

/// A rule of a role: verbs on resources, or verbs on paths.
public struct PolicyRule: Hashable, Sendable {
    public var verbs: [String]
    public var apiGroups: [String]
    /// `pods`, `pods/log`, `*/scale`, `*`.
    public var resources: [String]
    /// Empty for all names.
    public var resourceNames: [String]
    /// `/healthz`, `/healthz/*`, `*`.
    public var nonResourceURLs: [String]

    public init(verbs: [String], apiGroups: [String] = [], resources: [String] = [],
                resourceNames: [String] = [], nonResourceURLs: [String] = []) {
        self.verbs = verbs
        self.apiGroups = apiGroups
        self.resources = resources
        self.resourceNames = resourceNames
        self.nonResourceURLs = nonResourceURLs
    }

    public init(_ view: RbacV1.PolicyRule) {
        self.init(verbs: view.verbs, apiGroups: view.apiGroups, resources: view.resources,
                  resourceNames: view.resourceNames, nonResourceURLs: view.nonResourceURLs)
    }

    /// As a tree.
    public var view: RbacV1.PolicyRule {
        RbacV1.PolicyRule {
            $0.verbs = verbs
            $0.apiGroups = apiGroups
            $0.resources = resources
            $0.resourceNames = resourceNames
            $0.nonResourceURLs = nonResourceURLs
        }
    }

    /// Everything there is, which nobody but the cluster's administrators holds.
    static let everything = [
        PolicyRule(verbs: ["*"], apiGroups: ["*"], resources: ["*"]),
        PolicyRule(verbs: ["*"], nonResourceURLs: ["*"]),
    ]
}
