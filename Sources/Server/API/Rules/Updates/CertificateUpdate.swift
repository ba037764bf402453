internal import Kubernetes
internal import Wire

/// What approving and denying a certificate request, and issuing the certificate, may do.
enum CertificateUpdate {
    /// Gives new conditions the time of the request.
    static func keepTimes(_ new: inout Message, _ old: Message, now: Timestamp) {
        let known = CertificatesV1.CertificateSigningRequest(old)?.status.conditions ?? []
        new.modify("status") { (status: inout CertificatesV1.CertificateSigningRequestStatus) in
            for index in status.conditions.indices {
                let condition = status.conditions[index]
                let before = known.first { $0.type == condition.type }
                if condition.lastUpdateTime == nil { status.conditions[index].lastUpdateTime = now }
                if condition.lastTransitionTime == nil || before?.status != condition.status {
                    status.conditions[index].lastTransitionTime = before?.status == condition.status
                        ? before?.lastTransitionTime : now
                }
            }
        }
    }

    @Sendable static func check(
        _ new: CertificatesV1.CertificateSigningRequest,
        _ old: CertificatesV1.CertificateSigningRequest, _ subresource: String?,
        _ report: inout Report
    ) {
        guard subresource == "approval" else { return }
        let types = new.status.conditions.map(\.type)
        if types.contains("Approved"), types.contains("Denied") {
            report.invalid("status.conditions", "Denied",
                "Approved and Denied conditions are mutually exclusive")
        }
        report.at("status") { report in
            report.each("conditions", of: new.status.conditions) { report, condition in
                if ["Approved", "Denied", "Failed"].contains(condition.type),
                    condition.status != "True" {
                    report.notSupported("status", condition.status, ["True"])
                }
            }
        }
        for condition in old.status.conditions
        where ["Approved", "Denied", "Failed"].contains(condition.type)
            && !types.contains(condition.type) {
            report.forbidden("status.conditions",
                "updates may not remove a condition of type \(condition.type.goQuoted)")
        }
    }
}
