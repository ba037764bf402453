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
        func look(at resources: Message?) {
            for name in ["cpu", "memory"] {
                let limit = amount(of: name, in: resources?["limits"])
                let request = amount(of: name, in: resources?["requests"])
                if limit != nil || request != nil { asksForNothing = false }
                guard let limit, let request else { isGuaranteed = false; continue }
                if limit.text != request.text, limit.compare(request) != 0 { isGuaranteed = false }
            }
        }
        if case .message(let resources)? = spec.tree["resources"] {
            look(at: resources)
        } else {
            for list in ["containers", "initContainers"] {
                guard case .list(let containers)? = spec.tree[list] else { continue }
                for case .message(let container) in containers {
                    guard case .message(let resources)? = container["resources"] else {
                        look(at: nil)
                        continue
                    }
                    look(at: resources)
                }
            }
        }
        if asksForNothing { return .bestEffort }
        return isGuaranteed ? .guaranteed : .burstable
    }

    /// An amount, nil if there is none of it.
    private static func amount(of name: String, in amounts: Value?) -> Quantity? {
        guard case .map(let map)? = amounts, let quantity = map[name].flatMap(Quantity.init)
        else { return nil }
        return quantity.text == "0" ? nil : quantity
    }
}
