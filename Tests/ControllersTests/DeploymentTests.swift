import APIClient
import CaseFiles
import Kubernetes
import Testing
import Wire

@testable import Controllers

@Suite("A deployment")
struct DeploymentTests {
    @Test(arguments: try Case.load("deployment"))
    func takesItsNextStep(_ example: Case) throws {
        let answer = try DeploymentScript(example.script).answer()
        #expect(answer == example.expected)
    }

    @Test("names the sets of equal templates equally")
    func hashes() {
        var template = CoreV1.PodTemplateSpec { $0.metadata.labels = ["app": "web"] }
        let hash = PodTemplateHash.of(template, collisionCount: nil)
        #expect(hash == PodTemplateHash.of(template, collisionCount: nil))
        #expect(hash != PodTemplateHash.of(template, collisionCount: 1))
        template.metadata.labels["app"] = "other"
        #expect(hash != PodTemplateHash.of(template, collisionCount: nil))
    }
}

/// Sets are named after the image of their template.
private struct DeploymentScript {
    private var observed: ObservedDeployment
    private var names: [String: String] = [:]
    private static let start = Timestamp(seconds: 1_000_000)

    init(_ lines: [Line]) throws {
        observed = ObservedDeployment(
            deployment: AppsV1.Deployment(), selector: LabelSelector(["app": "web"]), sets: [],
            orphans: [], now: Self.start)
        for line in lines {
            switch line.verb {
            case "deployment": observed.deployment = Self.deployment(line)
            case "condition": observed.deployment.status.conditions.append(Self.condition(line))
            case "set": observed.sets.append(set(line, owner: observed.deployment))
            case "orphan": observed.orphans.append(set(line, owner: nil))
            case "now": observed.now = Self.start + .seconds(Int(line.name) ?? 0)
            default: Issue.record("no such line: \(line.verb)")
            }
            if line.says("with-pods") { observed.setsWithPods.insert("web-\(line.name)") }
        }
    }

    private static func deployment(_ line: Line) -> AppsV1.Deployment {
        AppsV1.Deployment {
            $0.metadata.name = "web"
            $0.metadata.namespace = "default"
            $0.metadata.uid = "d1"
            $0.metadata.generation = line.int("generation") ?? 1
            if let revision = line["revision"] {
                $0.metadata.annotations[DeploymentAnnotation.revision] = revision
            }
            if line.says("deleted") { $0.metadata.deletionTimestamp = start }
            $0.spec.replicas = line.int("replicas")
            $0.spec.selector = MetaV1.LabelSelector { $0.matchLabels = ["app": "web"] }
            $0.spec.template = template(line["image"] ?? "v1")
            $0.spec.strategy.type = line["strategy"] ?? "RollingUpdate"
            if line["strategy"] == nil {
                $0.spec.strategy.rollingUpdate = AppsV1.RollingUpdateDeployment {
                    $0.maxSurge = amount(line["surge"] ?? "25%")
                    $0.maxUnavailable = amount(line["unavailable"] ?? "25%")
                }
            }
            $0.spec.paused = line.says("paused")
            $0.spec.revisionHistoryLimit = line.int("history") ?? 10
            $0.spec.progressDeadlineSeconds = line.int("deadline") ?? 600
            $0.status.observedGeneration = line.int("observed") ?? 0
            $0.status.replicas = line.int("has") ?? 0
            $0.status.updatedReplicas = line.int("updated") ?? 0
            $0.status.readyReplicas = line.int("available") ?? 0
            $0.status.availableReplicas = line.int("available") ?? 0
            $0.status.terminatingReplicas = 0
        }
    }

    private static func amount(_ text: String) -> IntOrString {
        Int(text).map(IntOrString.int) ?? .string(text)
    }

    private static func template(_ image: String) -> CoreV1.PodTemplateSpec {
        CoreV1.PodTemplateSpec {
            $0.metadata.labels = ["app": "web"]
            $0.spec.containers = [CoreV1.Container { $0.image = image }]
        }
    }

    private static func condition(_ line: Line) -> AppsV1.DeploymentCondition {
        AppsV1.DeploymentCondition {
            $0.type = line.name
            $0.status = line.words[2]
            $0.reason = line.words[3]
            $0.lastUpdateTime = start + .seconds(line.int("at") ?? 0)
            $0.lastTransitionTime = $0.lastUpdateTime
        }
    }

    private mutating func set(
        _ line: Line, owner: AppsV1.Deployment?
    ) -> AppsV1.ReplicaSet {
        let image = line.name
        return AppsV1.ReplicaSet {
            $0.metadata.name = "web-\(image)"
            $0.metadata.namespace = "default"
            $0.metadata.uid = "set-\(image)"
            $0.metadata.labels = ["app": line["app"] ?? "web"]
            $0.metadata.creationTimestamp = Self.start + .seconds(line.int("created") ?? 0)
            if let owner {
                $0.metadata.ownerReferences = [MetaV1.OwnerReference(controller: owner.tree)]
            }
            let replicas = line.int("size") ?? 0
            $0.spec.replicas = replicas
            $0.spec.template = Self.template(image)
            $0.spec.template.metadata.labels[PodTemplateHash.label] = image
            $0.status.replicas = line.int("has") ?? replicas
            $0.status.readyReplicas = line.int("available") ?? 0
            $0.status.availableReplicas = line.int("available") ?? 0
            let desired = line.int("desired") ?? observed.deployment.wanted
            $0.metadata.annotations = [
                DeploymentAnnotation.revision: line["revision"] ?? "1",
                DeploymentAnnotation.desiredReplicas: String(desired),
                DeploymentAnnotation.maxReplicas:
                    line["max"] ?? String(desired + observed.deployment.maxSurge),
            ]
        }
    }

    func answer() -> [String] {
        let decision = observed.reconcile()
        var lines = decision.writes.flatMap(describe)
        if let again = decision.again { lines.append("again \(again)") }
        return lines
    }

    private func describe(_ write: Write) -> [String] {
        switch write {
        case .create(let object, _): return ["create " + describe(object)]
        case .update(let object, let notes):
            return ["update " + describe(object)] + notes.map(describe)
        case .setOwners(let object): return ["own " + describe(object)]
        case .updatePart(let object, let part):
            guard part == "status", let deployment = AppsV1.Deployment(object) else { return ["?"] }
            return describe(deployment.status)
        case .delete(let object, _, _): return ["delete \(object.objectMeta.name)"]
        case .announce(let note): return [describe(note)]
        case .together(let writes): return writes.flatMap(describe)
        }
    }

    private func describe(_ object: Message) -> String {
        let notes = object.objectMeta.annotations
        guard let set = AppsV1.ReplicaSet(object) else {
            return "deployment revision=\(notes[DeploymentAnnotation.revision] ?? "-")"
        }
        let image = set.spec.template.spec.containers.first?.image ?? "-"
        var line = "web-\(image) size=\(set.size) revision=\(set.revision)"
        let history = notes[DeploymentAnnotation.revisionHistory]
        line += history.map { " history=\($0)" } ?? ""
        line += " desired=\(set.desiredReplicas ?? -1) max=\(set.maxReplicas ?? -1)"
        if set.metadata.controllerReference == nil { line += " free" }
        if observed.orphans.contains(where: { $0.metadata.uid == set.metadata.uid }) {
            line += " adopted"
        }
        return line
    }

    private func describe(_ note: EventNote) -> String {
        "event \(note.severity.rawValue) \(note.reason) \(plain(note.message))"
    }

    private func describe(_ status: AppsV1.DeploymentStatus) -> [String] {
        let counts =
            "status replicas=\(status.replicas) updated=\(status.updatedReplicas)"
            + " available=\(status.availableReplicas) unavailable=\(status.unavailableReplicas)"
        return [counts]
            + status.conditions.map { "\($0.type) \($0.status) \($0.reason): \(plain($0.message))" }
    }

    /// With the image for the hash of the set that is to be made.
    private func plain(_ text: String) -> String {
        let template = observed.deployment.spec.template
        let hash = PodTemplateHash.of(template, collisionCount: nil)
        let image = template.spec.containers.first?.image ?? ""
        return text.replacing("web-\(hash)", with: "web-\(image)")
    }
}
