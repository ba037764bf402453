import Kubernetes
import Wire

extension TableLayout {
    static var accessLayouts: Entries {
        [
            of(RbacV1.Role.self, [.name, .createdAt]),
            of(RbacV1.ClusterRole.self, [.name, .createdAt]),
            of(RbacV1.RoleBinding.self, bindingColumns(\.roleRef, \.subjects)),
            of(RbacV1.ClusterRoleBinding.self, bindingColumns(\.roleRef, \.subjects)),
            of(CertificatesV1.CertificateSigningRequest.self, [
                .name, .age, .string("SignerName") { $0.subject.spec.signerName.or(nothing) },
                .string("Requestor") { $0.subject.spec.username },
                .string("RequestedDuration") { row in
                    row.subject.spec.expirationSeconds.map { humanDuration(seconds: Int64($0)) }
                        ?? nothing
                },
                .string("Condition") { $0.subject.status.shown },
            ]),
        ]
    }

    private static func bindingColumns<View>(
        _ role: any KeyPath<View, RbacV1.RoleRef> & Sendable,
        _ subjects: any KeyPath<View, [RbacV1.Subject]> & Sendable
    ) -> [Column<View>] {
        [
            .name,
            .string("Role") {
                "\($0.subject[keyPath: role].kind)/\($0.subject[keyPath: role].name)"
            },
            .age,
            Column.string("Users") { $0.subject[keyPath: subjects].names("User") }.wide,
            Column.string("Groups") { $0.subject[keyPath: subjects].names("Group") }.wide,
            Column.string("ServiceAccounts") {
                $0.subject[keyPath: subjects].names("ServiceAccount")
            }.wide,
        ]
    }
}

extension [RbacV1.Subject] {
    fileprivate func names(_ kind: String) -> String {
        lazy.filter { $0.kind == kind }
            .map { kind == "ServiceAccount" ? "\($0.namespace)/\($0.name)" : $0.name }
            .joined(separator: ", ")
    }
}

extension CertificatesV1.CertificateSigningRequestStatus {
    fileprivate var shown: String {
        func has(_ type: String) -> Bool { conditions.contains { $0.type == type } }
        var state = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending"
        if has("Failed") { state += ",Failed" }
        if !certificate.isEmpty { state += ",Issued" }
        return state
    }
}
