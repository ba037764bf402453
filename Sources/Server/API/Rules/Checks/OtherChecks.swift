internal import Kubernetes
internal import Wire

/// Rules of the smaller groups: budgets, leases, classes, certificates.
enum OtherChecks {
    static let tables: [TypeChecks] = [
        checks(PolicyV1.PodDisruptionBudget.self, .each("spec")),
        checks(PolicyV1.PodDisruptionBudgetSpec.self, .rule(budget), .each("selector"),
            .oneOf("unhealthyPodEvictionPolicy", "AlwaysAllow", "IfHealthyBudget")),
        checks(CoordinationV1.Lease.self, .each("spec")),
        checks(CoordinationV1.LeaseSpec.self,
            .above(0, "leaseDurationSeconds"), .atLeast(0, "leaseTransitions")),
        checks(SchedulingV1.PriorityClass.self, .rule(priority),
            .oneOf("preemptionPolicy", "Never", "PreemptLowerPriority")),
        checks(NodeV1.RuntimeClass.self,
            .form("handler", Syntax.dnsLabel, isRequired: true), .each("scheduling")),
        checks(NodeV1.Scheduling.self, .labels("nodeSelector"), .each("tolerations")),
        checks(CertificatesV1.CertificateSigningRequest.self, .each("spec")),
        checks(CertificatesV1.CertificateSigningRequestSpec.self, .rule(request)),
        checks(AdmissionregistrationV1.ValidatingAdmissionPolicy.self, .each("spec")),
        checks(AdmissionregistrationV1.ValidatingAdmissionPolicySpec.self,
            .required("matchConstraints"),
            .rule { (spec: AdmissionregistrationV1.ValidatingAdmissionPolicySpec, report) in
                guard spec.validations.isEmpty, spec.auditAnnotations.isEmpty else { return }
                for name in ["validations", "auditAnnotations"] {
                    report.required(name,
                        "validations or auditAnnotations must contain at least one item")
                }
            }),
        checks(AdmissionregistrationV1.ValidatingAdmissionPolicyBinding.self, .each("spec")),
        checks(AdmissionregistrationV1.ValidatingAdmissionPolicyBindingSpec.self,
            .required("policyName"), .required("validationActions"), .rule(actions)),
    ]

    // MARK: Budgets

    @Sendable private static func budget(
        _ spec: PolicyV1.PodDisruptionBudgetSpec, _ report: inout Report
    ) {
        if spec.minAvailable != nil, spec.maxUnavailable != nil {
            report.invalid(nil, InternalValue(spec),
                "minAvailable and maxUnavailable cannot be both set")
        }
        for (name, value) in [("minAvailable", spec.minAvailable),
                              ("maxUnavailable", spec.maxUnavailable)] {
            report.countOrPercent(name, value)
            report.notAboveWhole(name, value)
        }
    }

    // MARK: Priorities

    private static let userValueMax = 1_000_000_000
    static let systemClasses = [
        "system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000,
    ]

    @Sendable private static func priority(
        _ item: SchedulingV1.PriorityClass, _ report: inout Report
    ) {
        let name = item.metadata.name
        if name.hasPrefix("system-") {
            if systemClasses[name] == nil {
                report.forbidden("metadata.name", "priority class names with 'system-' prefix are "
                    + "reserved for system use only. error: \(name) is not a known system priority "
                    + "class")
            }
        } else if item.value > userValueMax {
            report.forbidden("value",
                "maximum allowed value of a user defined priority is \(userValueMax)")
        }
    }

    // MARK: Certificates

    private static let usages = [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign",
        "data encipherment", "decipher only", "digital signature", "email protection",
        "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
        "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
        "server auth", "signing", "timestamping",
    ]

    @Sendable private static func request(
        _ spec: CertificatesV1.CertificateSigningRequestSpec, _ report: inout Report
    ) {
        let begin = Array("-----BEGIN CERTIFICATE REQUEST-----".utf8)
        if !spec.request.starts(with: begin) {
            report.invalid("request", JSONValue(spec.request.value),
                "PEM block type must be CERTIFICATE REQUEST")
        }
        if spec.usages.isEmpty { report.required("usages") }
        report.each("usages", of: spec.usages) { report, usage in
            if !usages.contains(usage) { report.notSupported(nil, usage, usages) }
        }
        signer(spec.signerName, &report)
        if let seconds = spec.expirationSeconds, seconds < 600 {
            report.invalid("expirationSeconds", seconds,
                "may not specify a duration less than 600 seconds (10 minutes)")
        }
    }

    private static func signer(_ name: String, _ report: inout Report) {
        if name.isEmpty { return report.required("signerName") }
        if name == "kubernetes.io/legacy-unknown" {
            return report.invalid("signerName", name,
                "the legacy signerName is not allowed via this API version")
        }
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else {
            return report.invalid("signerName", name,
                "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        }
        report.invalid("signerName", name, Syntax.dnsSubdomain(String(parts[0])))
        if parts[0].split(separator: ".").count < 2 {
            report.invalid("signerName", name,
                "should be a domain with at least two segments separated by dots")
        }
    }

    // MARK: Admission policies

    @Sendable private static func actions(
        _ spec: AdmissionregistrationV1.ValidatingAdmissionPolicyBindingSpec,
        _ report: inout Report
    ) {
        let known = ["Audit", "Deny", "Warn"]
        report.each("validationActions", of: spec.validationActions) { report, action in
            if !known.contains(action) { report.notSupported(nil, action, known) }
        }
        if spec.validationActions.contains("Deny"), spec.validationActions.contains("Warn") {
            report.invalid("validationActions", JSONValue(spec.validationActions.value),
                "must not contain both Deny and Warn (repeating the same validation failure "
                    + "information in the API response and headers serves no purpose)")
        }
    }
}
