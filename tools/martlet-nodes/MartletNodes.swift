import APIClient
import ArgumentParser
import KubeClient
import Logging
import SimulatedNodes
import Transport
import Wire

/// Runs simulated nodes as clients of an API server.
@main
struct MartletNodes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-nodes",
        abstract: "Simulated nodes: they register, keep their leases and run pods, in name only.",
        discussion: """
            Pods run for ever unless their annotations say otherwise:

              simulated.martlet.dev/run-duration: 5s       how long each container runs
              simulated.martlet.dev/exit-code: "1"         with what code it ends then
              simulated.martlet.dev/start-delay: 2s        how long it takes to start
              simulated.martlet.dev/termination-delay: 3s  how long it takes to end when deleted
            """)

    @Option(help: "The file that says how to reach the API server.")
    var kubeconfig: String

    @Option(help: "Nodes to run.")
    var count: Int

    @Option(help: "CPUs of a node.")
    var cpu = "4"

    @Option(help: "Memory of a node.")
    var memory = "32Gi"

    @Option(help: "Pods that a node takes.")
    var pods = 110

    @Option(help: "Zones that the nodes are spread over.")
    var zones = 3

    @Option(name: .customLong("label"), help: "A label of every node, KEY=VALUE; may be repeated.")
    var labels: [String] = []

    @Option(help: "Nodes are called by this and a number from 1.")
    var prefix = "node-"

    @Flag(inversion: .prefixedNo, help: "Write events when containers start and stop.")
    var events = true

    func run() async throws {
        let shape = try shape()
        guard (1...NodeShape.countMax).contains(count) else {
            throw ValidationError("--count: between 1 and \(NodeShape.countMax)")
        }
        let client: HTTPAPIClient
        do {
            client = try HTTPAPIClient(try Kubeconfig(path: kubeconfig))
        } catch {
            throw ValidationError("--kubeconfig: \(error)")
        }
        let nodes = SimulatedNodes(
            count: count, shape: shape, clients: { _ in client },
            logger: Logger(label: "martlet-nodes"))
        print("running \(count) nodes from \(shape.namePrefix)1 on; Ctrl-C stops them")
        await nodes.run()
        await client.shutdown()
    }

    private func shape() throws -> NodeShape {
        var shape = NodeShape()
        shape.cpu = try quantity(cpu, "--cpu")
        shape.memory = try quantity(memory, "--memory")
        shape.pods = pods
        shape.zones = zones
        shape.namePrefix = prefix
        shape.recordsEvents = events
        for label in labels {
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("--label: \"\(label)\" is not KEY=VALUE")
            }
            shape.labels[String(parts[0])] = String(parts[1])
        }
        return shape
    }

    private func quantity(_ text: String, _ flag: String) throws -> Quantity {
        do throws(QuantityError) {
            return try Quantity(parsing: text)
        } catch {
            throw ValidationError("\(flag): \(error)")
        }
    }
}
