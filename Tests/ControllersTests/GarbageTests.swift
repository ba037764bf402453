import APIClient
import CaseFiles
import Kubernetes
import Testing
import Wire

@testable import Controllers

@Suite("Garbage")
struct GarbageTests {
    @Test(arguments: try Case.load("garbage"))
    func isTold(_ example: Case) {
        var script = GarbageScript()
        #expect(script.play(example.script) == example.expected)
    }

    @Test("A set of recent members forgets the oldest")
    func recent() {
        var set = RecentSet(countMax: 2)
        for member in ["a", "b", "b", "c"] { set.insert(member) }
        #expect(!set.contains("a") && set.contains("b") && set.contains("c"))
    }
}

private struct GarbageScript {
    private var graph = OwnerGraph()
    private var revision = 0

    mutating func play(_ script: [Line]) -> [String] {
        script.flatMap { line -> [String] in
            switch line.verb {
            case "object": return tell(graph.put(CoreV1.ConfigMap.messageType, metadata(line)))
            case "gone": return tell(graph.remove(line.name))
            case "list":
                let type = CoreV1.ConfigMap.messageType
                graph.beginList(of: type)
                let tasks = line.list("of").flatMap { name in
                    graph.put(type, MetaV1.ObjectMeta {
                        $0.name = name
                        $0.uid = name
                    })
                }
                return tell(tasks + graph.endList(of: type))
            case "never": graph.noteGone(line.name)
            case "judge":
                let verdict = graph.judge(line.name, there: Set(line.list("there")))
                return ["\(line.name): \(describe(verdict))"]
            default: Issue.record("no such line: \(line.verb)")
            }
            return []
        }
    }

    private mutating func metadata(_ line: Line) -> MetaV1.ObjectMeta {
        revision += 1
        return MetaV1.ObjectMeta {
            $0.name = line.name
            $0.uid = line.name
            $0.resourceVersion = String(revision)
            if line.says("deleted") { $0.deletionTimestamp = Timestamp(seconds: 1) }
            if line.says("foreground") { $0.finalizers.append("foregroundDeletion") }
            if line.says("orphaning") { $0.finalizers.append("orphan") }
            $0.ownerReferences = (line.list("owners") + line.list("blocks")).map { owner in
                MetaV1.OwnerReference {
                    $0.uid = owner
                    $0.name = owner
                    $0.blockOwnerDeletion = line.list("blocks").contains(owner)
                }
            }
        }
    }

    private func tell(_ tasks: [OwnerGraph.Task]) -> [String] {
        tasks.map { task in
            switch task {
            case .examine(let uid): "examine \(uid)"
            case .orphan(let uid): "orphan \(uid)"
            }
        }
        .sorted()
    }

    private func describe(_ verdict: Verdict) -> String {
        switch verdict {
        case .leave: "leave"
        case .lookUp(let owner): "look up \(owner.name)"
        case .delete(let propagation): "delete \(propagation.rawValue)"
        case .forget(let owners): "forget \(owners.joined(separator: " "))"
        case .release: "release"
        case .examine(let uids): "examine \(uids.joined(separator: " "))"
        }
    }
}
