internal import Kubernetes
internal import Wire

/// What may not change once an object is stored.
enum UpdateChecks {
    /// Checks of a changed object beyond its metadata; `full` runs the rules of its kind.
    static func check(
        _ new: Message, old: Message, subresource: String?, _ report: inout Report,
        full: (inout Report) -> Void
    ) {
        if subresource == "status" { return }
        if let pod = CoreV1.Pod(new), let before = CoreV1.Pod(old) {
            full(&report)
            return PodUpdate.check(pod, before, subresource, &report)
        }
        full(&report)
    }
}

/// What holds only while an object is created.
enum CreateChecks {
    static func check(_ new: Message, _ report: inout Report) {
        if let pod = CoreV1.Pod(new) { PodChecks.create(pod, &report) }
    }
}
