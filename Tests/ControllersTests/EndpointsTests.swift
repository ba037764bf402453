import APIClient
import CaseFiles
import Kubernetes
import Testing
import Wire

@testable import Controllers

@Suite("A service's endpoints")
struct EndpointsTests {
    @Test(arguments: try Case.load("endpoint-slices"))
    func slices(_ example: Case) {
        let script = EndpointsScript(example.script)
        #expect(script.describe(script.observed.reconcileSlices()) == example.expected)
    }

    @Test(arguments: try Case.load("endpoints"))
    func endpoints(_ example: Case) {
        let script = EndpointsScript(example.script)
        #expect(script.describe(script.observed.reconcileEndpoints(nil)) == example.expected)
    }

    @Test("are mirrored into slices where somebody writes them by hand")
    func mirror() throws {
        let endpoints = CoreV1.Endpoints {
            $0.metadata.name = "db"
            $0.metadata.namespace = "default"
            $0.subsets = [
                CoreV1.EndpointSubset {
                    $0.addresses = [CoreV1.EndpointAddress { $0.ip = "192.0.2.1" }]
                    $0.notReadyAddresses = [CoreV1.EndpointAddress { $0.ip = "192.0.2.2" }]
                }
            ]
        }
        var service = CoreV1.Service { $0.metadata.name = "db" }
        guard case .create(let tree, _)? = EndpointsMirror.reconcile(endpoints, service, []).first
        else { return #expect(Bool(false)) }
        let slice = try #require(DiscoveryV1.EndpointSlice(tree))
        #expect(slice.metadata.generateName == "db-" && slice.addressType == "IPv4")
        #expect(slice.endpoints.map(\.conditions.ready) == [true, false])
        #expect(EndpointsMirror.reconcile(endpoints, service, [slice]).isEmpty)
        service.spec.selector = ["app": "db"]
        #expect(EndpointsMirror.reconcile(endpoints, service, []).isEmpty)
        #expect(EndpointsMirror.reconcile(nil, service, [slice]).count == 1)
    }

    @Test("are left as they are when nothing changes")
    func stable() throws {
        var observed = EndpointsScript(
            try Case.load("endpoint-slices")[0].script).observed
        guard case .create(let slice, _)? = observed.reconcileSlices().first else {
            return #expect(Bool(false))
        }
        observed.slices = [try #require(DiscoveryV1.EndpointSlice(slice))]
        #expect(observed.reconcileSlices().isEmpty)
        guard case .create(let endpoints, _)? = observed.reconcileEndpoints(nil).first else {
            return #expect(Bool(false))
        }
        #expect(observed.reconcileEndpoints(CoreV1.Endpoints(endpoints)).isEmpty)
    }
}

private struct EndpointsScript {
    var observed = ObservedService(service: CoreV1.Service(), pods: [])

    init(_ lines: [Line]) {
        for line in lines {
            switch line.verb {
            case "service": observed.service = Self.service(line)
            case "pod": observed.pods.append(Self.pod(line))
            case "pods":
                for number in 0..<(line.int("count") ?? 0) {
                    observed.pods.append(Self.pod(line, number))
                }
            case "slice": observed.slices.append(Self.slice(line, observed))
            case "zone": observed.zones[line.name] = line.words[2]
            default: Issue.record("no such line: \(line.verb)")
            }
        }
    }

    /// `ports=http:80:web` are name, port and target.
    private static func service(_ line: Line) -> CoreV1.Service {
        CoreV1.Service {
            $0.metadata.name = "web"
            $0.metadata.namespace = "default"
            $0.metadata.labels = line["team"].map { ["team": $0] } ?? [:]
            $0.spec.selector = line.says("without-selector") ? [:] : ["app": "web"]
            $0.spec.clusterIP = line.says("headless") ? "None" : "10.0.0.1"
            $0.spec.publishNotReadyAddresses = line.says("publish-not-ready")
            $0.spec.ports = line.list("ports").map { port in
                let parts = port.split(separator: ":").map(String.init)
                return CoreV1.ServicePort {
                    $0.name = parts[0]
                    $0.protocol = "TCP"
                    $0.port = Int(parts[1]) ?? 0
                    $0.targetPort = Int(parts[2]).map(IntOrString.int) ?? .string(parts[2])
                }
            }
        }
    }

    private static func pod(_ line: Line, _ number: Int? = nil) -> CoreV1.Pod {
        CoreV1.Pod {
            $0.metadata.name = number.map { "pod\($0)" } ?? line.name
            $0.metadata.namespace = "default"
            $0.metadata.uid = $0.metadata.name
            if line.says("deleted") { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }
            $0.spec.nodeName = line["node"] ?? "n1"
            $0.spec.containers = [
                CoreV1.Container { container in
                    guard let port = line.int("web") else { return }
                    container.ports = [
                        CoreV1.ContainerPort {
                            $0.name = "web"
                            $0.protocol = "TCP"
                            $0.containerPort = port
                        }
                    ]
                }
            ]
            $0.status.podIP = number.map { "10.1.\($0 / 250).\($0 % 250)" } ?? line["ip"] ?? ""
            $0.status.phase = line["phase"] ?? "Running"
            if line.says("unready") { return }
            $0.status.conditions = [
                CoreV1.PodCondition {
                    $0.type = "Ready"
                    $0.status = "True"
                }
            ]
        }
    }

    private static func slice(
        _ line: Line, _ observed: ObservedService
    ) -> DiscoveryV1.EndpointSlice {
        DiscoveryV1.EndpointSlice {
            $0.metadata.name = line.name
            $0.metadata.namespace = "default"
            $0.addressType = "IPv4"
            $0.ports = line.list("ports").map { port in
                let parts = port.split(separator: ":").map(String.init)
                return DiscoveryV1.EndpointPort {
                    $0.name = parts[0]
                    $0.protocol = "TCP"
                    $0.port = Int(parts[1])
                }
            }
            $0.endpoints = line.list("ips").map { ip in
                DiscoveryV1.Endpoint { endpoint in
                    endpoint.addresses = [ip]
                    endpoint.targetRef = observed.pods.first { $0.status.podIP == ip }
                        .flatMap(PodEndpoint.init)?.reference
                }
            }
        }
    }

    func describe(_ writes: [Write]) -> [String] { writes.map(describe) }

    private func describe(_ write: Write) -> String {
        switch write {
        case .create(let object, _): "create " + describe(object)
        case .update(let object, _): "update " + describe(object)
        case .delete(let object, _, _): "delete \(object.objectMeta.name)"
        default: "?"
        }
    }

    private func describe(_ object: Message) -> String {
        if let endpoints = CoreV1.Endpoints(object) {
            let subsets = endpoints.subsets.map { subset in
                let ports = subset.ports.map { "\($0.name):\($0.port)" }.joined(separator: ",")
                let ready = subset.addresses.map(\.ip).joined(separator: ",")
                let unready = subset.notReadyAddresses.map(\.ip).joined(separator: ",")
                return "[\(ports) ready \(ready) not \(unready)]"
            }
            return "\(endpoints.metadata.name) \(subsets.joined(separator: " "))"
        }
        guard let slice = DiscoveryV1.EndpointSlice(object) else { return "?" }
        let name = slice.metadata.name.isEmpty ? slice.metadata.generateName : slice.metadata.name
        let ports = slice.ports.map { "\($0.name ?? ""):\($0.port ?? 0)" }.joined(separator: ",")
        let count = slice.endpoints.count
        if count > 9 { return "\(name) [\(ports)] \(count) endpoints" }
        let endpoints = slice.endpoints.map { endpoint in
            let flags = [
                endpoint.conditions.ready == true ? "ready" : nil,
                endpoint.conditions.serving == true ? "serving" : nil,
                endpoint.conditions.terminating == true ? "terminating" : nil, endpoint.zone,
            ]
            return "\(endpoint.addresses[0])(\(flags.compactMap { $0 }.joined(separator: " ")))"
        }
        return "\(name) [\(ports)] \(endpoints.joined(separator: " "))"
    }
}
