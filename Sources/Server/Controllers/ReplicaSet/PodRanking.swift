import APIClient
import Kubernetes
import Wire

/// The order in which a set gives up pods: those first that are missed the least.
struct PodRanking {
    private var ranks: [Rank]

    /// - Parameters:
    ///   - active: The pods to choose from.
    ///   - relatives: Pods of the same owner; a node that has many of them gives up one first.
    init(active: [CoreV1.Pod], relatives: [CoreV1.Pod], now: Timestamp) {
        var countByNode: [String: Int] = [:]
        for pod in relatives where pod.isActive {
            countByNode[pod.spec.nodeName, default: 0] += 1
        }
        ranks = active.map { pod in
            Rank(pod, neighbors: countByNode[pod.spec.nodeName] ?? 0, now: now)
        }
        ranks.sort()
    }

    /// The pods to give up.
    func first(_ count: Int) -> [CoreV1.Pod] { ranks.prefix(count).map(\.pod) }
}

/// What is compared: the smaller is given up first.
private struct Rank: Comparable {
    let pod: CoreV1.Pod
    private let order: [Int64]
    private let uid: String

    init(_ pod: CoreV1.Pod, neighbors: Int, now: Timestamp) {
        self.pod = pod
        uid = pod.metadata.uid
        order = [
            pod.spec.nodeName.isEmpty ? 0 : 1,
            pod.phaseRank,
            pod.isReady ? 1 : 0,
            Int64(pod.deletionCost),
            Int64(-neighbors),
            pod.isReady ? Rank.magnitude(since: pod.readySince, now) : 0,
            Int64(-pod.restartsMax),
            Rank.magnitude(since: pod.metadata.creationTimestamp, now),
        ]
    }

    static func < (a: Rank, b: Rank) -> Bool {
        a.order == b.order ? a.uid < b.uid : a.order.lexicographicallyPrecedes(b.order)
    }

    static func == (a: Rank, b: Rank) -> Bool { a.order == b.order && a.uid == b.uid }

    /// The power of two of the age in nanoseconds: pods of similar age count as equally old, so
    /// that chance, and not the rollout before, decides between them. -1 for no age.
    private static func magnitude(since: Timestamp?, _ now: Timestamp) -> Int64 {
        guard let since, now > since else { return -1 }
        let (seconds, attoseconds) = (now - since).components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return Int64(63 - nanoseconds.leadingZeroBitCount)
    }
}

extension CoreV1.Pod {
    fileprivate var phaseRank: Int64 {
        switch status.phase {
        case "Pending", "": 0
        case "Unknown": 1
        default: 2
        }
    }

    /// What its owner says its deletion costs; 0 if it says nothing, or no number.
    fileprivate var deletionCost: Int32 {
        let said = metadata.annotations["controller.kubernetes.io/pod-deletion-cost"]
        return said.flatMap { Int32($0) } ?? 0
    }
}
