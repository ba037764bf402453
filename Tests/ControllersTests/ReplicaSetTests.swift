import APIClient
import APIErrors
import CaseFiles
import Kubernetes
import Testing
import Wire

@testable import Controllers

@Suite("A replica set")
struct ReplicaSetTests {
    @Test(arguments: try Case.load("replica-set"))
    func keepsItsNumber(_ example: Case) throws {
        let answer = try ReplicaSetScript(example.script).answer()
        #expect(answer == example.expected)
    }
}

private struct ReplicaSetScript {
    private var observed: ObservedReplicaSet
    private var failure: APIError?
    private static let start = Timestamp(seconds: 1_000_000)

    init(_ lines: [Line]) throws {
        observed = ObservedReplicaSet(
            set: AppsV1.ReplicaSet(), selector: LabelSelector(["app": "web"]), pods: [],
            orphans: [], now: Self.start)
        for line in lines {
            switch line.verb {
            case "set": observed.set = Self.set(line)
            case "pod": observed.pods.append(Self.pod(line, owner: observed.set))
            case "orphan": observed.orphans.append(Self.pod(line, owner: nil))
            case "relative": observed.relatives.append(Self.pod(line, owner: nil))
            case "now": observed.now = Self.start + .seconds(Int(line.name) ?? 0)
            case "failure":
                failure = .serviceUnavailable(line.words.dropFirst().joined(separator: " "))
            default: Issue.record("no such line: \(line.verb)")
            }
        }
    }

    private static func set(_ line: Line) -> AppsV1.ReplicaSet {
        AppsV1.ReplicaSet {
            $0.metadata.name = "web"
            $0.metadata.namespace = "default"
            $0.metadata.uid = "s1"
            $0.metadata.generation = 1
            if line.says("deleted") { $0.metadata.deletionTimestamp = start }
            $0.spec.replicas = line.int("replicas")
            $0.spec.minReadySeconds = line.int("min-ready") ?? 0
            $0.spec.template.metadata.labels = ["app": "web", "tier": "front"]
            $0.status.replicas = line.int("has") ?? 0
            $0.status.fullyLabeledReplicas = line.int("has") ?? 0
            $0.status.readyReplicas = line.int("ready") ?? 0
            $0.status.availableReplicas = line.int("ready") ?? 0
            $0.status.terminatingReplicas = 0
            $0.status.observedGeneration = line.int("observed") ?? 1
        }
    }

    private static func pod(_ line: Line, owner: AppsV1.ReplicaSet?) -> CoreV1.Pod {
        CoreV1.Pod {
            $0.metadata.name = line.name
            $0.metadata.namespace = "default"
            $0.metadata.uid = line.name
            $0.metadata.labels = ["app": line["app"] ?? "web", "tier": "front"]
            $0.metadata.creationTimestamp = start + .seconds(line.int("created") ?? 0)
            if let cost = line["cost"] {
                $0.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"] = cost
            }
            if line.says("deleted") { $0.metadata.deletionTimestamp = start }
            if let owner {
                $0.metadata.ownerReferences = [MetaV1.OwnerReference(controller: owner.tree)]
            }
            $0.spec.nodeName = line["node"] ?? ""
            $0.status.phase = line["phase"] ?? (line["node"] == nil ? "Pending" : "Running")
            guard let ready = line.int("ready") else { return }
            $0.status.conditions = [
                CoreV1.PodCondition {
                    $0.type = "Ready"
                    $0.status = "True"
                    $0.lastTransitionTime = start + .seconds(ready)
                }
            ]
            $0.status.containerStatuses = [
                CoreV1.ContainerStatus { $0.restartCount = line.int("restarts") ?? 0 }
            ]
        }
    }

    func answer() -> [String] {
        let plan = observed.plan()
        let report = observed.report(failure: failure)
        var lines: [String] = []
        for line in (plan.writes + report.writes).flatMap(describe) {
            if let last = lines.last, last == line || last.hasPrefix(line + " x") {
                let count = last.split(separator: " x").last.flatMap { Int($0) } ?? 1
                lines[lines.count - 1] = "\(line) x\(count + 1)"
            } else {
                lines.append(line)
            }
        }
        if let again = report.again { lines.append("again \(again)") }
        return lines
    }

    private func describe(_ write: Write) -> [String] {
        switch write {
        case .create(let object, let announcement):
            let owner = object.objectMeta.controllerReference?.name ?? "-"
            let reason = announcement?.success?.reason ?? "-"
            return ["create pod \(object.objectMeta.generateName) of \(owner), \(reason)"]
        case .update(let object, _), .setOwners(let object):
            let owner = object.objectMeta.controllerReference?.name ?? "nobody"
            return ["update pod \(object.objectMeta.name) of \(owner)"]
        case .updatePart(let object, _):
            guard let status = AppsV1.ReplicaSet(object)?.status else { return ["?"] }
            let counts =
                "status replicas=\(status.replicas) labeled=\(status.fullyLabeledReplicas)"
                + " ready=\(status.readyReplicas) available=\(status.availableReplicas)"
                + " terminating=\(status.terminatingReplicas ?? -1)"
            return [counts] + status.conditions.map { "\($0.type) \($0.reason): \($0.message)" }
        case .delete(let object, _, _): return ["delete pod \(object.objectMeta.name)"]
        case .announce(let note): return ["event \(note.reason)"]
        case .together(let writes): return writes.flatMap(describe)
        }
    }
}
