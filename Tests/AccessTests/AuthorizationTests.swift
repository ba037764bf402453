import APIErrors
import Authentication
import Authorization
import Kubernetes
import Testing
import Wire

@Suite("May they")
struct AuthorizationTests {
    private let authorizer = Authorizer()

    private func asks(
        _ verb: String, _ resource: String, sub: String = "", in namespace: String = "ns",
        name: String = "", group: String = "", as user: UserInfo = alice
    ) -> Attributes {
        Attributes(user: user, verb: verb, apiGroup: group, resource: resource, subresource: sub,
                   namespace: namespace, name: name)
    }

    private func allows(_ asked: Attributes) -> Bool {
        authorizer.verdict(on: asked, under: startPolicy()).decision == .allow
    }

    @Test("a role allows its verbs on its resources, subresources and names")
    func rules() {
        #expect(allows(asks("list", "pods")))
        #expect(allows(asks("get", "pods", sub: "log")))
        #expect(!allows(asks("get", "pods", sub: "status")))
        #expect(!allows(asks("watch", "pods")))
        #expect(!allows(asks("list", "pods", in: "other")))
        #expect(!allows(asks("list", "pods", in: "")))
        #expect(!allows(asks("list", "pods", group: "apps")))
        #expect(allows(asks("get", "configmaps", name: "allowed")))
        #expect(!allows(asks("get", "configmaps", name: "other")))
        #expect(!allows(asks("list", "configmaps")))
    }

    @Test("the reason names binding, role and subject")
    func reason() {
        #expect(authorizer.verdict(on: asks("list", "pods"), under: startPolicy()).reason
            == #"RBAC: allowed by RoleBinding "devs-read/ns" of Role "reader" to Group "devs""#)
        let discovery = Attributes(user: alice, verb: "get", path: "/openapi/v2")
        #expect(authorizer.verdict(on: discovery, under: startPolicy()).reason
            == #"RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "#
            + #""system:discovery" to Group "system:authenticated""#)
    }

    @Test("a refusal says who cannot do what, and where")
    func refusals() {
        func message(_ asked: Attributes) -> String? {
            failure { try authorizer.permit(asked, under: startPolicy()) }
        }
        #expect(message(asks("list", "pods")) == nil)
        #expect(message(asks("list", "secrets")) == #"secrets is forbidden: User "alice" cannot "#
            + #"list resource "secrets" in API group "" in the namespace "ns""#)
        #expect(message(asks("list", "nodes", in: "")) == #"nodes is forbidden: User "alice" "#
            + #"cannot list resource "nodes" in API group "" at the cluster scope"#)
        #expect(message(asks("get", "deployments", sub: "scale", name: "web", group: "apps"))
            == #"deployments.apps "web" is forbidden: User "alice" cannot get resource "#
            + #""deployments/scale" in API group "apps" in the namespace "ns""#)
        #expect(message(Attributes(user: .anonymous, verb: "get", path: "/apis/apps/v1"))
            == #"forbidden: User "system:anonymous" cannot get path "/apis/apps/v1""#)
    }

    @Test("removing the binding removes the right, and a new role takes effect at once")
    func changes() {
        var policy = startPolicy()
        policy.upsert(role("reader", [
            PolicyRule(verbs: ["watch"], apiGroups: [""], resources: ["pods"]),
        ]).tree)
        #expect(!policy.allows(asks("list", "pods")))
        #expect(policy.allows(asks("watch", "pods")))
        policy.delete(RbacV1.RoleBinding.messageType, namespace: "ns", name: "devs-read")
        #expect(!policy.allows(asks("watch", "pods")))
    }

    @Test("a binding to a role that is not there says so")
    func missingRole() {
        var policy = startPolicy()
        policy.upsert(binding("devs-more", to: "absent").tree)
        let verdict = policy.verdict(on: asks("delete", "pods"))
        #expect(verdict.decision == .noOpinion)
        #expect(verdict.reason == #"RBAC: role.rbac.authorization.k8s.io "absent" not found"#)
    }

    @Test("masters may do anything; anonymous may see whether the server is well")
    func known() {
        let master = UserInfo(name: "root", groups: ["system:masters"])
        #expect(allows(asks("delete", "nodes", in: "", as: master)))
        #expect(allows(Attributes(user: .anonymous, verb: "get", path: "/readyz")))
        #expect(!allows(Attributes(user: .anonymous, verb: "get", path: "/metrics")))
    }

    @Test("components may do what their bootstrap roles say")
    func components() {
        let scheduler = UserInfo(name: "system:kube-scheduler").authenticated
        #expect(allows(asks("create", "pods", sub: "binding", as: scheduler)))
        #expect(!allows(asks("create", "pods", as: scheduler)))
        let controller = UserInfo.serviceAccount(
            namespace: "kube-system", name: "deployment-controller").authenticated
        #expect(allows(asks("create", "replicasets", group: "apps", as: controller)))
        #expect(!allows(asks("create", "pods", as: controller)))
        let node = UserInfo(name: "system:node:n1", groups: ["system:nodes"]).authenticated
        #expect(allows(asks("patch", "nodes", sub: "status", in: "", name: "n1", as: node)))
        #expect(!allows(asks("patch", "deployments", group: "apps", as: node)))
    }

    @Test("a path with a star allows what begins so")
    func paths() {
        #expect(allows(Attributes(user: alice, verb: "get", path: "/apis/apps/v1")))
        #expect(!allows(Attributes(user: alice, verb: "get", path: "/apisx")))
        #expect(!allows(Attributes(user: alice, verb: "post", path: "/apis")))
    }
}

@Suite("Nobody grants what she does not hold")
struct EscalationTests {
    private let check = EscalationCheck(authorizer: Authorizer(), policy: startPolicy())

    @Test("neither by a role with more rights")
    func roles() {
        let more = role("more", [
            PolicyRule(verbs: ["get"], apiGroups: [""], resources: ["pods", "secrets"]),
        ])
        #expect(failure { try check.permit(role: more, by: alice) }
            == #"roles.rbac.authorization.k8s.io "more" is forbidden: user "alice" "#
            + #"(groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions "#
            + "not currently held:\n" + #"{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#)
        let same = role("same", [
            PolicyRule(verbs: ["get"], apiGroups: [""], resources: ["pods"]),
        ])
        #expect(failure { try check.permit(role: same, by: alice) } == nil)
    }

    @Test("nor by binding one, unless she may bind it")
    func bindings() {
        let grab = binding("grab", to: "cluster-admin", kind: "ClusterRole")
        let text = failure { try check.permit(binding: grab, by: alice) }
        #expect(text?.hasSuffix("not currently held:\n"
            + #"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"# + "\n"
            + #"{NonResourceURLs:["*"], Verbs:["*"]}"#) == true)
        let root = UserInfo(name: "root", groups: ["system:masters"])
        #expect(failure { try check.permit(binding: grab, by: root) } == nil)
    }

    @Test("nor by a role that gathers others")
    func aggregation() {
        let gather = RbacV1.ClusterRole {
            $0.metadata.name = "all"
            $0.aggregationRule = RbacV1.AggregationRule()
        }
        #expect(failure { try check.permit(role: gather, by: alice) }?
            .hasSuffix("must have cluster-admin privileges to use the aggregationRule") == true)
    }
}

@Suite("The policy that a cluster starts with")
struct BootstrapPolicyTests {
    @Test("has unique names, and every binding names a role that is there")
    func consistent() {
        let names = BootstrapPolicy.objects.map { object in
            let metadata = object["metadata"].flatMap { MetaV1.ObjectMeta($0) }
            return "\(object.type.kind) \(metadata?.namespace ?? "")/\(metadata?.name ?? "")"
        }
        #expect(Set(names).count == names.count)
        for object in BootstrapPolicy.objects {
            if let binding = RbacV1.ClusterRoleBinding(object) {
                #expect(names.contains("ClusterRole /\(binding.roleRef.name)"))
            }
            if let binding = RbacV1.RoleBinding(object) {
                #expect(names.contains(
                    "Role \(binding.metadata.namespace)/\(binding.roleRef.name)"))
            }
        }
    }

    @Test("admin holds what edit holds, and edit what view holds")
    func aggregation() {
        func rules(_ name: String) -> Set<RbacV1.PolicyRule> {
            Set(BootstrapPolicy.objects.lazy.compactMap { RbacV1.ClusterRole($0) }
                .first { $0.metadata.name == name }?.rules ?? [])
        }
        #expect(rules("view").count == 11)
        #expect(rules("edit").isStrictSuperset(of: rules("view")))
        #expect(rules("admin").isStrictSuperset(of: rules("edit")))
    }

    @Test("is mended where something was taken away, and else left alone")
    func mending() throws {
        let wanted = try #require(BootstrapPolicy.objects.first)
        #expect(BootstrapPolicy.mended(wanted, for: wanted) == nil)
        var poor = try #require(RbacV1.ClusterRole(wanted))
        poor.rules.removeLast()
        let mended = try #require(BootstrapPolicy.mended(poor.tree, for: wanted))
        #expect(RbacV1.ClusterRole(mended)?.rules == RbacV1.ClusterRole(wanted)?.rules)
        poor.metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] = "false"
        #expect(BootstrapPolicy.mended(poor.tree, for: wanted) == nil)
    }
}

@Suite("Reviews of access")
struct AccessReviewTests {
    private let reviews = AccessReviews(authorizer: Authorizer(), policy: startPolicy())

    @Test("a user learns whether she may, and by which binding")
    func own() throws {
        let review = AuthorizationV1.SelfSubjectAccessReview { review in
            review.spec.resourceAttributes = AuthorizationV1.ResourceAttributes {
                $0.namespace = "ns"
                $0.verb = "list"
                $0.resource = "pods"
            }
        }
        let status = try reviews.answer(review, caller: alice).status
        #expect(status.allowed)
        #expect(status.reason.hasPrefix("RBAC: allowed by RoleBinding"))
        let other = try reviews.answer(review, caller: UserInfo(name: "bob")).status
        #expect(!other.allowed)
        #expect(other.reason.isEmpty)
    }

    @Test("questions about nothing or another namespace are invalid, in Kubernetes' words")
    func faults() {
        #expect(failure {
            _ = try reviews.answer(AuthorizationV1.SelfSubjectAccessReview(), caller: alice)
        } == #".authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: "#
            + "exactly one of nonResourceAttributes or resourceAttributes must be specified")
        let local = AuthorizationV1.LocalSubjectAccessReview { review in
            review.metadata.namespace = "ns"
            review.spec.user = "bob"
            review.spec.resourceAttributes = AuthorizationV1.ResourceAttributes {
                $0.namespace = "default"
            }
        }
        #expect(failure { _ = try reviews.answer(local) }
            == #".authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: "#
            + #"Invalid value: "default": must match metadata.namespace"#)
        #expect(failure {
            _ = try reviews.answer(AuthorizationV1.SelfSubjectRulesReview(), caller: alice)
        } == "no namespace on request")
    }

    /// A review of what `node` may do, of all pods that a selector (JSON) chooses.
    private func selecting(
        _ selectors: String, as user: String = "system:node:n1"
    ) throws -> AuthorizationV1.SubjectAccessReview {
        let json = #"""
            {"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{
             "user":"\#(user)","groups":["system:nodes"],
             "resourceAttributes":{"verb":"list","resource":"pods",\#(selectors)}}}
            """#
        let object = try ObjectCodec.decode(Array(json.utf8), .json).object
        return try #require(AuthorizationV1.SubjectAccessReview(object))
    }

    @Test("what a review selects counts, said in words or in requirements", arguments: [
        (#""fieldSelector":{"rawSelector":"spec.nodeName=n1"}"#, true),
        (#""fieldSelector":{"requirements":[{"key":"spec.nodeName","operator":"In","#
            + #""values":["n1"]}]}"#, true),
        (#""fieldSelector":{"requirements":[{"key":"spec.nodeName","operator":"NotIn","#
            + #""values":["n1"]}]}"#, false),
        (#""fieldSelector":{"rawSelector":"spec.nodeName=n2"}"#, false),
        (#""labelSelector":{"rawSelector":"a=b"}"#, false),
    ])
    func selectors(selectors: String, isAllowed: Bool) throws {
        let reviews = AccessReviews(authorizer: Authorizer(modes: [.node]), policy: startPolicy())
        let status = try reviews.answer(selecting(selectors)).status
        #expect(status.allowed == isAllowed)
        #expect(status.evaluationError.isEmpty)
    }

    @Test("what cannot be understood of a selector is left out, and the answer says so", arguments: [
        (#""fieldSelector":{"rawSelector":"a b"}"#, "fieldSelector ignored"),
        (#""fieldSelector":{"requirements":[{"key":"k","operator":"Exists"}]}"#,
            "fieldSelector ignored"),
        (#""fieldSelector":{"requirements":[{"key":"k","operator":"In","values":["a"]},"#
            + #"{"key":"k","operator":"Newer"}]}"#, "fieldSelector partially ignored"),
        (#""labelSelector":{"rawSelector":"a in"}"#, "labelSelector ignored"),
        (#""labelSelector":{"requirements":[{"key":"k","operator":"Exists"},"#
            + #"{"key":"k","operator":"Newer"}]}"#, "labelSelector partially ignored"),
    ])
    func strangeSelectors(selectors: String, expected: String) throws {
        let status = try reviews.answer(selecting(selectors)).status
        #expect(status.evaluationError
            == "spec.resourceAttributes.\(expected) due to parse error")
    }

    @Test("what is no selector is invalid", arguments: [
        (#""fieldSelector":{}"#, "fieldSelector.requirements: Required value: when "
            + "spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector "
            + "is required"),
        (#""labelSelector":{"rawSelector":"a","requirements":[{"key":"k","operator":"Exists"}]}"#,
            #"labelSelector.rawSelector: Invalid value: "a": may not specified at the same time "#
                + "as requirements"),
        (#""fieldSelector":{"requirements":[{"key":"","operator":"In","values":["a"]}]}"#,
            "fieldSelector.requirements[0].key: Required value: must be specified"),
        (#""fieldSelector":{"requirements":[{"key":"k","operator":"In"}]}"#,
            "fieldSelector.requirements[0].values: Required value: must be specified when "
                + "`operator` is 'In' or 'NotIn'"),
        (#""labelSelector":{"requirements":[{"key":"k","operator":"Exists","values":["a"]}]}"#,
            "labelSelector.requirements[0].values: Forbidden: may not be specified when "
                + "`operator` is 'Exists' or 'DoesNotExist'"),
    ])
    func wrongSelectors(selectors: String, expected: String) throws {
        let review = try selecting(selectors)
        #expect(failure { _ = try reviews.answer(review) }
            == #".authorization.k8s.io "" is invalid: spec.resourceAttributes.\#(expected)"#)
    }

    @Test("the list of rules holds those of the user's groups")
    func rules() throws {
        let review = AuthorizationV1.SelfSubjectRulesReview { $0.spec.namespace = "ns" }
        let status = try reviews.answer(review, caller: alice).status
        #expect(status.resourceRules.contains { $0.resources == ["pods", "pods/log"] })
        #expect(status.nonResourceRules.contains { $0.nonResourceURLs.contains("/version") })
    }
}
