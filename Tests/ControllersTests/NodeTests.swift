import APIClient
import CaseFiles
import Kubernetes
import Testing
import Wire

@testable import Controllers

@Suite("A node")
struct NodeTests {
    @Test(arguments: try Case.load("node"))
    func isWatched(_ example: Case) {
        #expect(NodeScript(example.script).answer() == example.expected)
    }

    @Test(arguments: try Case.load("taint-eviction"))
    func evicts(_ example: Case) {
        #expect(EvictionScript(example.script).answer() == example.expected)
    }
}

private let start = Timestamp(seconds: 1_000_000)

private struct NodeScript {
    private var observed: ObservedNode

    init(_ lines: [Line]) {
        var node = CoreV1.Node()
        var pods: [CoreV1.Pod] = []
        var health = NodeHealth(uptime: .zero)
        var uptime = Duration.zero
        for line in lines {
            switch line.verb {
            case "node":
                node.metadata.name = "n1"
                node.spec.unschedulable = line.says("cordoned")
                node.spec.taints = line.list("taints").map(taint)
            case "condition":
                node.status.conditions.append(
                    CoreV1.NodeCondition {
                        $0.type = line.name
                        $0.status = line.words[2]
                    })
            case "pod":
                pods.append(
                    CoreV1.Pod {
                        $0.metadata.name = line.name
                        $0.status.conditions = [
                            CoreV1.PodCondition {
                                $0.type = "Ready"
                                $0.status = "True"
                            }
                        ]
                    })
            case "lease":
                let lease = CoordinationV1.Lease {
                    $0.spec.renewTime = start + .seconds(line.int("renewed") ?? 0)
                }
                health.listen(node, lease, uptime: .seconds(line.int("at") ?? 0))
            case "now": uptime = .seconds(Int(line.name) ?? 0)
            default: Issue.record("no such line: \(line.verb)")
            }
        }
        observed = ObservedNode(
            node: node, health: health, pods: pods, grace: .seconds(40), now: start + uptime,
            uptime: uptime)
    }

    func answer() -> [String] {
        let decision = observed.reconcile()
        var lines = decision.writes.flatMap(describe)
        if let again = decision.again { lines.append("again \(again)") }
        return lines
    }

    private func describe(_ write: Write) -> [String] {
        switch write {
        case .update(let object, _):
            let taints = CoreV1.Node(object)?.spec.taints ?? []
            let names = taints.map { "\($0.key.split(separator: "/").last ?? ""):\($0.effect)" }
            return ["taints \(names.joined(separator: " "))"]
        case .updatePart(let object, _):
            if let pod = CoreV1.Pod(object) {
                return ["pod \(pod.metadata.name) ready=\(pod.isReady)"]
            }
            let conditions = CoreV1.Node(object)?.status.conditions ?? []
            return conditions.map { "\($0.type) \($0.status) \($0.reason): \($0.message)" }
        case .announce(let note): return ["event \(note.reason): \(note.message)"]
        default: return ["?"]
        }
    }
}

/// `key:effect` or `key:effect:addedAt`
private func taint(_ text: String) -> CoreV1.Taint {
    let parts = text.split(separator: ":").map(String.init)
    return CoreV1.Taint {
        $0.key = "node.kubernetes.io/\(parts[0])"
        $0.effect = parts[1]
        guard parts.count > 2 else { return }
        $0.timeAdded = start + .seconds(Int(parts[2]) ?? 0)
    }
}

private struct EvictionScript {
    private var taints: [CoreV1.Taint] = []
    private var pods: [CoreV1.Pod] = []
    private var now = start

    init(_ lines: [Line]) {
        for line in lines {
            switch line.verb {
            case "taint": taints.append(taint(line.name))
            case "pod": pods.append(Self.pod(line))
            case "now": now = start + .seconds(Int(line.name) ?? 0)
            default: Issue.record("no such line: \(line.verb)")
            }
        }
    }

    private static func pod(_ line: Line) -> CoreV1.Pod {
        CoreV1.Pod {
            $0.metadata.name = line.name
            $0.metadata.namespace = "default"
            if line.says("deleted") { $0.metadata.deletionTimestamp = start }
            guard let key = line["tolerates"] else { return }
            $0.spec.tolerations = [
                CoreV1.Toleration {
                    $0.key = key == "*" ? "" : "node.kubernetes.io/\(key)"
                    $0.operator = "Exists"
                    $0.tolerationSeconds = line.int("seconds")
                }
            ]
        }
    }

    func answer() -> [String] {
        let decision = TaintEviction.decide(taints, pods, now: now)
        var lines = decision.writes.compactMap { write -> String? in
            switch write {
            case .delete(let object, _, _): return "delete \(object.objectMeta.name)"
            case .announce(let note): return "event \(note.reason): \(note.message)"
            case .updatePart(let object, _):
                let condition = CoreV1.Pod(object)?.status.conditions.last
                return "condition \(condition?.type ?? "") \(condition?.reason ?? "")"
            default: return "?"
            }
        }
        if let again = decision.again { lines.append("again \(again)") }
        return lines
    }
}
