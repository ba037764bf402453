import Kubernetes
import Wire

extension SimulatedPod {
    /// Sets the conditions that follow from the rest of the status.
    func settleConditions(_ status: inout CoreV1.PodStatus) {
        let hasEnded = status.phase == "Succeeded" || status.phase == "Failed"
        let isStarted = status.phase != "Pending"
        let ready = readiness(status, hasEnded)
        note("PodReadyToStartContainers", isStarted && !hasEnded, Finding(), &status)
        let initialized = isStarted ? Finding() : Finding("ContainersNotInitialized", "")
        note("Initialized", isStarted, initialized, &status)
        if ready.isGood, !areGatesOpen(status) {
            let finding = Finding(
                "ReadinessGatesNotReady", "the status of pod readiness gate is not \"True\"")
            note("Ready", false, finding, &status)
        } else {
            note("Ready", ready.isGood, ready, &status)
        }
        note("ContainersReady", ready.isGood, ready, &status)
    }

    /// Why a condition is as it is; nothing is to be said of a good one.
    private struct Finding {
        var reason = ""
        var message = ""
        var isGood: Bool { reason.isEmpty }

        init() {}
        init(_ reason: String, _ message: String) {
            self.reason = reason
            self.message = message
        }
    }

    private func readiness(_ status: CoreV1.PodStatus, _ hasEnded: Bool) -> Finding {
        if hasEnded { return Finding("PodCompleted", "") }
        let unready = status.containerStatuses.filter { !$0.ready }.map(\.name)
        if unready.isEmpty { return Finding() }
        let names = unready.joined(separator: " ")
        return Finding("ContainersNotReady", "containers with unready status: [\(names)]")
    }

    private func areGatesOpen(_ status: CoreV1.PodStatus) -> Bool {
        pod.spec.readinessGates.allSatisfy { gate in
            status.conditions.contains { $0.type == gate.conditionType && $0.status == "True" }
        }
    }

    private func note(
        _ type: String, _ value: Bool, _ finding: Finding, _ status: inout CoreV1.PodStatus
    ) {
        let index = status.conditions.firstIndex { $0.type == type }
        var condition = index.map { status.conditions[$0] } ?? CoreV1.PodCondition()
        let text = value ? "True" : "False"
        if condition.status != text { condition.lastTransitionTime = now.wholeSeconds }
        condition.type = type
        condition.status = text
        condition.reason = finding.reason
        condition.message = finding.message
        condition.observedGeneration = pod.metadata.generation
        if let index {
            status.conditions[index] = condition
        } else {
            status.conditions.append(condition)
        }
    }
}
