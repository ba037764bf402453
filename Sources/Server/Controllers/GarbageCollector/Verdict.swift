import APIClient
import Kubernetes
import Wire

/// What is to become of an object, as the graph shows it.
enum Verdict: Hashable, Sendable {
    case leave
    /// Find out first whether this owner, which the graph does not have, is there.
    case lookUp(MetaV1.OwnerReference)
    /// All its owners are gone, or wait for it to go.
    case delete(DeleteOptions.Propagation)
    /// Some of its owners, by uid, are gone or wait for it; others keep it.
    case forget([String])
    /// Nothing blocks its deletion any more: take the finalizer away.
    case release
    /// These dependents block its deletion.
    case examine([String])
}

extension OwnerGraph {
    /// Judges the object of a uid.
    ///
    /// - Parameter there: Uids of owners that the graph does not have, but the server has.
    func judge(_ uid: String, there: Set<String> = []) -> Verdict {
        guard let node = node(uid) else { return .leave }
        if node.isDeletedInForeground { return judgeDependents(of: uid) }
        guard !node.isBeingDeleted, !node.owners.isEmpty else { return .leave }
        var lost: [String] = []
        var waiting: [String] = []
        for owner in node.owners {
            switch fate(of: owner, there) {
            case .unknown: return .lookUp(owner)
            case .gone: lost.append(owner.uid)
            case .waiting: waiting.append(owner.uid)
            case .solid: break
            }
        }
        if lost.count + waiting.count < node.owners.count {
            return lost.isEmpty && waiting.isEmpty ? .leave : .forget(lost + waiting)
        }
        if !waiting.isEmpty, !dependents(of: uid).isEmpty { return .delete(.foreground) }
        return .delete(.background)
    }

    private enum Fate { case unknown, gone, waiting, solid }

    private func fate(of owner: MetaV1.OwnerReference, _ there: Set<String>) -> Fate {
        if let node = node(owner.uid) {
            let waits = node.isDeletedInForeground && owner.blockOwnerDeletion == true
            return waits ? .waiting : .solid
        }
        if there.contains(owner.uid) { return .solid }
        return isGone(owner.uid) ? .gone : .unknown
    }

    /// Whether what an object owns still holds it back.
    private func judgeDependents(of uid: String) -> Verdict {
        let blocking = dependents(of: uid).filter { dependent in
            node(dependent)?.owners.contains { $0.uid == uid && $0.blockOwnerDeletion == true }
                ?? false
        }
        if blocking.isEmpty { return .release }
        return .examine(blocking.filter { node($0)?.isDeletedInForeground == false }.sorted())
    }
}
