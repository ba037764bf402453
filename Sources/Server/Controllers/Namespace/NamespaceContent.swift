import APIClient
import Kubernetes
import Wire

/// What a look into a namespace that is being deleted has shown.
struct NamespaceContent: Hashable, Sendable {
    /// How many objects are left of each resource: `pods.`, `deployments.apps`.
    var counts: [String: Int] = [:]
    /// How many objects each finalizer holds.
    var finalizers: [String: Int] = [:]
    /// Why objects could not be deleted.
    var failures: [String] = []

    var isEmpty: Bool { counts.isEmpty && failures.isEmpty }

    /// Takes note of what is left of a resource.
    mutating func add(_ resource: String, _ objects: [Message]) {
        guard !objects.isEmpty else { return }
        counts[resource] = objects.count
        for object in objects {
            for finalizer in object.objectMeta.finalizers {
                finalizers[finalizer, default: 0] += 1
            }
        }
    }

    /// The conditions that tell of it.
    func apply(to status: inout CoreV1.NamespaceStatus, now: Timestamp) {
        status.note("NamespaceDeletionDiscoveryFailure", (
            false, "ResourcesDiscovered", "All resources successfully discovered"), now)
        status.note("NamespaceDeletionGroupVersionParsingFailure", (
            false, "ParsedGroupVersions", "All legacy kube types successfully parsed"), now)
        status.note("NamespaceDeletionContentFailure", failure, now)
        status.note("NamespaceContentRemaining", remaining, now)
        status.note("NamespaceFinalizersRemaining", held, now)
    }

    typealias Finding = (isBad: Bool, reason: String, message: String)

    private var failure: Finding {
        guard !failures.isEmpty else {
            let message = "All content successfully deleted, may be waiting on finalization"
            return (false, "ContentDeleted", message)
        }
        let list = failures.sorted().joined(separator: ", ")
        let message =
            "Failed to delete all resource types, \(failures.count) remaining: \(list)"
        return (true, "ContentDeletionFailed", message)
    }

    private var remaining: Finding {
        guard !counts.isEmpty else {
            return (false, "ContentRemoved", "All content successfully removed")
        }
        let list = counts.sorted { $0.key < $1.key }
            .map { "\($0.key) has \($0.value) resource instances" }.joined(separator: ", ")
        return (true, "SomeResourcesRemain", "Some resources are remaining: \(list)")
    }

    private var held: Finding {
        guard !finalizers.isEmpty else {
            let message = "All content-preserving finalizers finished"
            return (false, "ContentHasNoFinalizers", message)
        }
        let list = finalizers.sorted { $0.key < $1.key }
            .map { "\($0.key) in \($0.value) resource instances" }.joined(separator: ", ")
        let message = "Some content in the namespace has finalizers remaining: \(list)"
        return (true, "SomeFinalizersRemain", message)
    }
}

extension CoreV1.NamespaceStatus {
    fileprivate mutating func note(
        _ type: String, _ finding: NamespaceContent.Finding, _ now: Timestamp
    ) {
        let status = finding.isBad ? "True" : "False"
        let index = conditions.firstIndex { $0.type == type }
        var condition = index.map { conditions[$0] } ?? CoreV1.NamespaceCondition()
        if condition.status != status { condition.lastTransitionTime = now.wholeSeconds }
        condition.type = type
        condition.status = status
        condition.reason = finding.reason
        condition.message = finding.message
        if let index { conditions[index] = condition } else { conditions.append(condition) }
    }
}
