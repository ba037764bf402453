import APIClient
import CaseFiles
import Kubernetes
import Testing
import Wire

@testable import SimulatedNodes

@Suite("A pod on a simulated node")
struct SimulatedPodTests {
    @Test(arguments: try Case.load("pod"))
    func lives(_ example: Case) {
        var script = PodScript()
        #expect(script.play(example.script) == example.expected)
    }

    @Test("each has an address of its own in its node's network")
    func addresses() {
        var pool = AddressPool()
        let numbers = (0..<254).map { pool.take("uid-\($0)", wanted: nil) }
        #expect(Set(numbers).count == 254 && !numbers.contains(nil))
        #expect(pool.take("one-more", wanted: nil) == nil)
        pool.release("uid-7")
        #expect(pool.take("one-more", wanted: nil) == numbers[7])
        #expect(pool.take("uid-9", wanted: nil) == numbers[9])
    }

    @Test("nodes have addresses and networks of their own")
    func places() {
        let shape = NodeShape()
        let places = (0..<NodeShape.countMax).map { NodePlace($0, shape) }
        #expect(Set(places.map(\.hostIP)).count == places.count)
        #expect(Set(places.map(\.podCIDR)).count == places.count)
        #expect(places[0].podCIDR == "10.128.0.0/24")
        #expect(places[299].podIP(7) == "10.129.43.7")
        #expect(places[299].number(ofPodIP: "10.129.43.7") == 7)
        #expect(places[299].number(ofPodIP: "10.129.4.7") == nil)
    }
}

/// Plays the node: looks at the pod at the times that it asks for, and writes down what changes.
private struct PodScript {
    private var pod = CoreV1.Pod()
    private var now = Timestamp(seconds: 1_000_000)
    private var due: Timestamp?
    private var isGone = false
    private var lines: [String] = []

    mutating func play(_ script: [Line]) -> [String] {
        for line in script {
            switch line.verb {
            case "pod": make(line)
            case "wait": pass(.seconds(Int(line.name) ?? 0))
            case "delete": delete(grace: line.int("grace") ?? 30)
            case "gate": open(line.name)
            default: Issue.record("no such line: \(line.verb)")
            }
            look()
        }
        return lines
    }

    private mutating func make(_ line: Line) {
        pod = CoreV1.Pod {
            $0.metadata.name = "web"
            $0.metadata.namespace = "default"
            $0.metadata.uid = "u1"
            $0.metadata.generation = 1
            for key in ["run-duration", "exit-code", "start-delay", "termination-delay"] {
                $0.metadata.annotations["simulated.martlet.dev/" + key] = line[key]
            }
            $0.spec.nodeName = "node-1"
            $0.spec.restartPolicy = line["restart"] ?? "Always"
            let names = line["containers"] == nil ? ["main"] : line.list("containers")
            $0.spec.containers = names.map { name in
                CoreV1.Container { container in
                    container.name = name
                    container.image = "app"
                    guard let delay = line.int("ready-after") else { return }
                    container.readinessProbe = CoreV1.Probe { $0.initialDelaySeconds = delay }
                }
            }
            $0.spec.initContainers = line.list("init").map { name in
                CoreV1.Container { $0.name = name }
            }
            $0.spec.readinessGates = line.list("gates").map { gate in
                CoreV1.PodReadinessGate { $0.conditionType = gate }
            }
            $0.status.phase = "Pending"
        }
    }

    private mutating func open(_ gate: String) {
        pod.status.conditions.append(
            CoreV1.PodCondition {
                $0.type = gate
                $0.status = "True"
            })
    }

    private mutating func delete(grace: Int) {
        pod.metadata.deletionTimestamp = now + .seconds(grace)
        pod.metadata.deletionGracePeriodSeconds = grace
    }

    /// Lets time pass, waking the node whenever it asked to be.
    private mutating func pass(_ duration: Duration) {
        let end = now + duration
        while let due, due <= end {
            now = due
            look()
        }
        now = end
    }

    private mutating func look() {
        if isGone { return }
        let place = NodePlace(0, NodeShape())
        let step = SimulatedPod(pod: pod, place: place, podIP: place.podIP(1), now: now).step()
        switch step {
        case .rest(let pause): due = pause.map { now + $0 }
        case .report(let status, let pause):
            write(status)
            due = pause.map { now + $0 }
        case .remove(let status):
            if status != pod.status { write(status) }
            lines.append("\(time) removed")
            isGone = true
            due = nil
        }
    }

    private var time: String { "\(now.seconds - 1_000_000)s" }

    private mutating func write(_ status: CoreV1.PodStatus) {
        pod.status = status
        let states = (status.initContainerStatuses + status.containerStatuses).map { container in
            "\(container.name) \(describe(container.state))"
                + (container.restartCount > 0 ? " x\(container.restartCount)" : "")
        }
        let conditions = status.conditions.filter { $0.status == "True" }.map(\.type)
        lines.append(
            "\(time) \(status.phase): \(states.joined(separator: ", "));"
                + " \(conditions.joined(separator: " "))")
    }

    private func describe(_ state: CoreV1.ContainerState) -> String {
        if let waiting = state.waiting { return waiting.reason }
        if let ended = state.terminated { return "\(ended.reason)(\(ended.exitCode))" }
        return state.running == nil ? "-" : "runs"
    }
}
