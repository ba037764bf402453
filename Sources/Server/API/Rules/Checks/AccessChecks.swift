internal import Kubernetes
internal import Wire

/// Rules of roles and bindings, and of questions about access.
enum AccessChecks {
    static let group = "rbac.authorization.k8s.io"

    static let tables: [TypeChecks] = [
        checks(RbacV1.Role.self, .rule { (role: RbacV1.Role, report) in
            report.each("rules", of: role.rules) { rule($1, isNamespaced: true, &$0) }
        }),
        checks(RbacV1.ClusterRole.self, .rule { (role: RbacV1.ClusterRole, report) in
            report.each("rules", of: role.rules) { rule($1, isNamespaced: false, &$0) }
        }, .each("aggregationRule")),
        checks(RbacV1.AggregationRule.self,
            .required("clusterRoleSelectors", "at least one clusterRoleSelector required if "
                + "aggregationRule is non-nil"),
            .each("clusterRoleSelectors")),
        checks(RbacV1.RoleBinding.self, .rule { (binding: RbacV1.RoleBinding, report) in
            roleRef(binding.roleRef, ["Role", "ClusterRole"], &report)
            report.each("subjects", of: binding.subjects) {
                subject($1, isNamespaced: true, &$0)
            }
        }),
        checks(RbacV1.ClusterRoleBinding.self,
            .rule { (binding: RbacV1.ClusterRoleBinding, report) in
                roleRef(binding.roleRef, ["ClusterRole"], &report)
                report.each("subjects", of: binding.subjects) {
                    subject($1, isNamespaced: false, &$0)
                }
            }),
        checks(AuthorizationV1.SubjectAccessReview.self,
            .rule { (review: AuthorizationV1.SubjectAccessReview, report) in
                asked(review.spec, &report)
            }),
        checks(AuthorizationV1.LocalSubjectAccessReview.self, .rule(localReview)),
        checks(AuthorizationV1.SelfSubjectAccessReview.self,
            .rule { (review: AuthorizationV1.SelfSubjectAccessReview, report) in
                oneQuestion(review.spec.resourceAttributes != nil,
                    review.spec.nonResourceAttributes != nil, &report)
            }),
    ]

    // MARK: Roles

    private static func rule(
        _ rule: RbacV1.PolicyRule, isNamespaced: Bool, _ report: inout Report
    ) {
        if rule.verbs.isEmpty {
            report.required("verbs", "verbs must contain at least one value")
        }
        if !rule.nonResourceURLs.isEmpty {
            let shown = JSONValue(rule.nonResourceURLs.value)
            if isNamespaced {
                report.invalid("nonResourceURLs", shown,
                    "namespaced rules cannot apply to non-resource URLs")
            }
            if !rule.apiGroups.isEmpty || !rule.resources.isEmpty || !rule.resourceNames.isEmpty {
                report.invalid("nonResourceURLs", shown,
                    "rules cannot apply to both regular resources and non-resource URLs")
            }
            return
        }
        if rule.apiGroups.isEmpty {
            report.required("apiGroups", "resource rules must supply at least one api group")
        }
        if rule.resources.isEmpty {
            report.required("resources", "resource rules must supply at least one resource")
        }
    }

    private static func roleRef(
        _ role: RbacV1.RoleRef, _ kinds: [String], _ report: inout Report
    ) {
        report.at("roleRef") { report in
            report.oneOf([group], "apiGroup", role.apiGroup)
            report.oneOf(kinds, "kind", role.kind)
            if role.name.isEmpty {
                report.required("name")
            } else {
                report.invalid("name", role.name, Syntax.pathSegment(role.name))
            }
        }
    }

    private static func subject(
        _ subject: RbacV1.Subject, isNamespaced: Bool, _ report: inout Report
    ) {
        if subject.name.isEmpty { report.required("name") }
        switch subject.kind {
        case "ServiceAccount":
            if !subject.name.isEmpty {
                report.invalid("name", subject.name, Syntax.dnsSubdomain(subject.name))
            }
            if !subject.apiGroup.isEmpty {
                report.notSupported("apiGroup", subject.apiGroup, [""])
            }
            if !isNamespaced, subject.namespace.isEmpty { report.required("namespace") }
        case "User", "Group": report.oneOf([group], "apiGroup", subject.apiGroup)
        default:
            report.notSupported("kind", subject.kind, ["ServiceAccount", "User", "Group"])
        }
    }

    // MARK: Reviews

    private static func asked(
        _ spec: AuthorizationV1.SubjectAccessReviewSpec, _ report: inout Report
    ) {
        oneQuestion(
            spec.resourceAttributes != nil, spec.nonResourceAttributes != nil, &report)
        if spec.user.isEmpty, spec.groups.isEmpty {
            report.invalid("spec.user", "", "at least one of user or group must be specified")
        }
    }

    private static func oneQuestion(
        _ hasResource: Bool, _ hasURL: Bool, _ report: inout Report
    ) {
        if hasResource, hasURL {
            report.invalid("spec.nonResourceAttributes", JSONValue(nil as Value?),
                "cannot be specified in combination with resourceAttributes")
        } else if !hasResource, !hasURL {
            report.invalid("spec.resourceAttributes", JSONValue(nil as Value?), "exactly one of "
                + "nonResourceAttributes or resourceAttributes must be specified")
        }
    }

    @Sendable private static func localReview(
        _ review: AuthorizationV1.LocalSubjectAccessReview, _ report: inout Report
    ) {
        asked(review.spec, &report)
        if review.spec.nonResourceAttributes != nil {
            report.invalid("spec.nonResourceAttributes", JSONValue(nil as Value?),
                "disallowed on this kind of request")
        }
        let namespace = review.spec.resourceAttributes?.namespace ?? review.metadata.namespace
        if namespace != review.metadata.namespace {
            report.invalid("spec.resourceAttributes.namespace", namespace,
                "must match metadata.namespace")
        }
    }
}
