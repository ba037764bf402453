import Kubernetes
import Wire

extension TableLayout {
    static var otherLayouts: Entries { admissionLayouts + clusterLayouts }

    private static var clusterLayouts: Entries {
        [
            of(CoordinationV1.Lease.self, [
                .name, .string("Holder") { $0.subject.spec.holderIdentity ?? "" }, .age,
            ]),
            of(SchedulingV1.PriorityClass.self, [
                .name, .integer("Value") { $0.subject.value },
                .boolean("Global-Default") { $0.subject.globalDefault }, .age,
                .string("PreemptionPolicy") { $0.subject.preemptionPolicy ?? "" },
            ]),
            of(NodeV1.RuntimeClass.self, [
                .name, .string("Handler") { $0.subject.handler }, .age,
            ]),
            of(FlowcontrolV1.FlowSchema.self, [
                .name,
                .string("PriorityLevel") { $0.subject.spec.priorityLevelConfiguration.name },
                .integer("MatchingPrecedence") { $0.subject.spec.matchingPrecedence },
                .string("DistinguisherMethod") {
                    $0.subject.spec.distinguisherMethod?.type ?? nothing
                },
                .age,
                .string("MissingPL") { row in
                    row.subject.status.conditions.first { $0.type == "Dangling" }?.status ?? "?"
                },
            ]),
            of(FlowcontrolV1.PriorityLevelConfiguration.self, [
                .name, .string("Type") { $0.subject.spec.type },
                .string("NominalConcurrencyShares") { row in
                    (row.subject.spec.limited?.nominalConcurrencyShares
                        ?? row.subject.spec.exempt?.nominalConcurrencyShares)
                        .map(String.init) ?? nothing
                },
                .string("Queues") { shown($0.subject.spec.queuing?.queues) },
                .string("HandSize") { shown($0.subject.spec.queuing?.handSize) },
                .string("QueueLengthLimit") { shown($0.subject.spec.queuing?.queueLengthLimit) },
                .age,
            ]),
            of(ResourceV1.ResourceClaim.self, [
                .name, .string("State") { $0.subject.state }, .age,
            ]),
            of(ResourceV1.ResourceClaimTemplate.self, [.name, .age]),
            of(ResourceV1.DeviceClass.self, [.name, .age]),
            of(ResourceV1.ResourceSlice.self, [
                .name,
                .string("Node") {
                    $0.subject.spec.allNodes == true ? "<all>" : $0.subject.spec.nodeName ?? unset
                },
                .string("Driver") { $0.subject.spec.driver },
                .string("Pool") { $0.subject.spec.pool.name }, .age,
            ]),
            of(ApiregistrationV1.APIService.self, [
                .name,
                .string("Service") { row in
                    row.subject.spec.service.map { "\($0.namespace)/\($0.name)" } ?? "Local"
                },
                .string("Available") { $0.subject.availability }, .age,
            ]),
            of(MartletSchedulingV1.SchedulingPolicy.self, [
                .name, .string("Strategy") { $0.subject.spec.strategy },
                .string("Active") { $0.subject.status.active?.id ?? nothing },
                Column.string("Shadow") { $0.subject.spec.shadow.or(nothing) }.wide, .age,
            ]),
        ]
    }

    private static var admissionLayouts: Entries {
        [
            of(AdmissionregistrationV1.ValidatingWebhookConfiguration.self, [
                .name, .integer("Webhooks") { $0.subject.webhooks.count }, .age,
            ]),
            of(AdmissionregistrationV1.MutatingWebhookConfiguration.self, [
                .name, .integer("Webhooks") { $0.subject.webhooks.count }, .age,
            ]),
            of(AdmissionregistrationV1.ValidatingAdmissionPolicy.self, [
                .name, .integer("Validations") { $0.subject.spec.validations.count },
                .string("ParamKind") { $0.subject.spec.paramKind.shown }, .age,
            ]),
            of(AdmissionregistrationV1.ValidatingAdmissionPolicyBinding.self, [
                .name, .string("PolicyName") { $0.subject.spec.policyName },
                .string("ParamRef") { $0.subject.spec.paramRef.shown }, .age,
            ]),
            of(AdmissionregistrationV1.MutatingAdmissionPolicy.self, [
                .name, .integer("Mutations") { $0.subject.spec.mutations.count },
                .string("ParamKind") { $0.subject.spec.paramKind.shown }, .age,
            ]),
            of(AdmissionregistrationV1.MutatingAdmissionPolicyBinding.self, [
                .name, .string("PolicyName") { $0.subject.spec.policyName },
                .string("ParamRef") { $0.subject.spec.paramRef.shown }, .age,
            ]),
        ]
    }

    private static func shown(_ number: Int?) -> String { number.map(String.init) ?? nothing }
}

extension FlowcontrolV1.PriorityLevelConfigurationSpec {
    fileprivate var queuing: FlowcontrolV1.QueuingConfiguration? { limited?.limitResponse.queuing }
}

extension ResourceV1.ResourceClaim {
    fileprivate var state: String {
        var states: [String] = []
        if metadata.deletionTimestamp != nil { states.append("deleted") }
        if status.allocation == nil {
            if metadata.deletionTimestamp == nil { states.append("pending") }
        } else {
            states.append("allocated")
            if !status.reservedFor.isEmpty { states.append("reserved") }
        }
        return states.joined
    }
}

extension ApiregistrationV1.APIService {
    fileprivate var availability: String {
        guard let condition = status.conditions.first(where: { $0.type == "Available" }) else {
            return unknown
        }
        return condition.status == "True" ? "True" : "\(condition.status) (\(condition.reason))"
    }
}

extension AdmissionregistrationV1.ParamKind? {
    fileprivate var shown: String { map { "\($0.apiVersion)/\($0.kind)" } ?? unset }
}

extension AdmissionregistrationV1.ParamRef? {
    fileprivate var shown: String {
        guard let self else { return unset }
        if !self.name.isEmpty {
            return self.namespace.isEmpty ? "*/\(self.name)" : "\(self.namespace)/\(self.name)"
        }
        return self.selector.shown
    }
}
