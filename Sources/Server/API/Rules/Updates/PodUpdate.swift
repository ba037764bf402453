internal import Kubernetes
internal import Wire

/// The few things of a pod that may change, and the words for those that may not.
enum PodUpdate {
    static func check(
        _ new: CoreV1.Pod, _ old: CoreV1.Pod, _ subresource: String?, _ report: inout Report
    ) {
        switch subresource {
        case nil: main(new.spec, old.spec, &report)
        case "ephemeralcontainers": ephemeralContainers(new.spec, old.spec, &report)
        case "resize": resize(new, old, &report)
        default: break
        }
    }

    private static func main(
        _ new: CoreV1.PodSpec, _ old: CoreV1.PodSpec, _ report: inout Report
    ) {
        report.at("spec") { report in
            guard images(new, old, &report), deadline(new, old, &report) else { return }
            tolerations(new.tolerations, old.tolerations, &report)
            gates(new.schedulingGates, old.schedulingGates, &report)
        }
        var allowed = new
        let isSame = isSameBeside(&allowed, old)
        if !isSame {
            report.forbidden("spec", "pod updates may not change fields other than "
                + "`spec.containers[*].image`,`spec.initContainers[*].image`,"
                + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
                + "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if "
                + "it was previously negative)\n")
        }
    }

    /// False if no more is to be looked at.
    private static func images(
        _ new: CoreV1.PodSpec, _ old: CoreV1.PodSpec, _ report: inout Report
    ) -> Bool {
        for (name, new, old) in [("containers", new.containers, old.containers),
                                 ("initContainers", new.initContainers, old.initContainers)]
        where new.count != old.count {
            report.forbidden(name, "pod updates may not add or remove containers")
            return false
        }
        return true
    }

    private static func deadline(
        _ new: CoreV1.PodSpec, _ old: CoreV1.PodSpec, _ report: inout Report
    ) -> Bool {
        switch (new.activeDeadlineSeconds, old.activeDeadlineSeconds) {
        case (let seconds?, let before?) where seconds > before:
            report.invalid("activeDeadlineSeconds", seconds,
                "must be less than or equal to previous value")
            return false
        case (nil, .some):
            report.invalid("activeDeadlineSeconds", Verbatim(rendered: "null"),
                "must not update from a positive integer to nil value")
        default: break
        }
        return true
    }

    private static func tolerations(
        _ new: [CoreV1.Toleration], _ old: [CoreV1.Toleration], _ report: inout Report
    ) {
        func withoutSeconds(_ toleration: CoreV1.Toleration) -> CoreV1.Toleration {
            var toleration = toleration
            toleration.tolerationSeconds = nil
            return toleration
        }
        let now = Set(new.map(withoutSeconds))
        if old.contains(where: { !now.contains(withoutSeconds($0)) }) {
            report.forbidden("tolerations",
                "existing toleration can not be modified except its tolerationSeconds")
        }
    }

    private static func gates(
        _ new: [CoreV1.PodSchedulingGate], _ old: [CoreV1.PodSchedulingGate],
        _ report: inout Report
    ) {
        let before = Set(old.map(\.name))
        report.each("schedulingGates", of: new) { report, gate in
            if !before.contains(gate.name) {
                report.forbidden("name", "only deletion is allowed, but found new scheduling gate "
                    + "'\(gate.name)'")
            }
        }
    }

    /// Whether the specs are equal in all that may not change.
    private static func isSameBeside(_ new: inout CoreV1.PodSpec, _ old: CoreV1.PodSpec) -> Bool {
        guard new.containers.count == old.containers.count,
            new.initContainers.count == old.initContainers.count
        else { return true } // has been reported
        for index in new.containers.indices {
            new.containers[index].image = old.containers[index].image
        }
        for index in new.initContainers.indices {
            new.initContainers[index].image = old.initContainers[index].image
        }
        new.activeDeadlineSeconds = old.activeDeadlineSeconds
        new.tolerations = old.tolerations
        new.schedulingGates = old.schedulingGates
        if let seconds = old.terminationGracePeriodSeconds, seconds < 0,
            new.terminationGracePeriodSeconds == 1 {
            new.terminationGracePeriodSeconds = seconds
        }
        if !old.schedulingGates.isEmpty { allowNarrowing(&new, old) }
        return new == old
    }

    /// A pod that is still held back may be sent to fewer nodes than before.
    private static func allowNarrowing(_ new: inout CoreV1.PodSpec, _ old: CoreV1.PodSpec) {
        let kept = old.nodeSelector.allSatisfy { new.nodeSelector[$0.key] == $0.value }
        if kept { new.nodeSelector = old.nodeSelector }
        if old.affinity?.nodeAffinity == nil {
            new.affinity?.nodeAffinity = nil
            if new.affinity?.tree.isEmpty == true, old.affinity == nil { new.affinity = nil }
        }
    }

    // MARK: Subresources

    private static func ephemeralContainers(
        _ new: CoreV1.PodSpec, _ old: CoreV1.PodSpec, _ report: inout Report
    ) {
        let now = Dictionary(
            new.ephemeralContainers.map { ($0.ephemeralContainerCommon.name, $0) },
            uniquingKeysWith: { first, _ in first })
        for container in old.ephemeralContainers {
            let name = container.ephemeralContainerCommon.name
            if now[name] == nil {
                report.forbidden("spec.ephemeralContainers",
                    "existing ephemeral containers \(name.goQuoted) may not be removed\n")
            } else if now[name] != container {
                report.forbidden("spec.ephemeralContainers",
                    "existing ephemeral containers \(name.goQuoted) may not be changed\n")
            }
        }
    }

    private static func resize(_ new: CoreV1.Pod, _ old: CoreV1.Pod, _ report: inout Report) {
        if QualityOfService.of(new.spec) != QualityOfService.of(old.spec) {
            report.invalid("spec", old.status.qosClass,
                "Pod QOS Class may not change as a result of resizing")
        }
        guard new.spec.containers.count == old.spec.containers.count else { return }
        for (index, container) in new.spec.containers.enumerated() {
            let before = old.spec.containers[index].resources
            let path = "spec.containers[\(index)].resources"
            if !before.requests.keys.allSatisfy({ container.resources.requests[$0] != nil }) {
                report.forbidden("\(path).requests", "resource requests cannot be removed")
            }
            if !before.limits.keys.allSatisfy({ container.resources.limits[$0] != nil }) {
                report.forbidden("\(path).limits", "resource limits cannot be removed")
            }
        }
    }
}
