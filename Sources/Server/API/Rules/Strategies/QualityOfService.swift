internal import Kubernetes
internal import Wire

/// How sure a pod may be of what it asks for.
enum QualityOfService: String {
    case guaranteed = "Guaranteed", burstable = "Burstable", bestEffort = "BestEffort"

    /// Guaranteed if every container has limits for CPU and memory that are also its requests, best
    /// effort if none asks for either, burstable in between.
    static func of(_ spec: CoreV1.PodSpec) -> QualityOfService {
        var asksForNothing = true
        var isGuaranteed = true
        let pod = spec.resources.map { [$0] }
        let all = pod ?? (spec.containers + spec.initContainers).map(\.resources)
        for resources in all {
            let (limits, requests) = (resources.limits, resources.requests)
            for name in ["cpu", "memory"] {
                let limit = limits[name].flatMap { $0.isZero ? nil : $0 }
                let request = requests[name].flatMap { $0.isZero ? nil : $0 }
                if limit != nil || request != nil { asksForNothing = false }
                guard let limit, let request else { isGuaranteed = false; continue }
                if limit.compare(request) != 0 { isGuaranteed = false }
            }
        }
        if asksForNothing { return .bestEffort }
        return isGuaranteed ? .guaranteed : .burstable
    }
}
