import ArgumentParser

/// The program. Its subcommands are the control plane and, later, the tools of its store.
@main
struct Martlet: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "martlet", abstract: "A Kubernetes control plane in one small program.",
        discussion: """
            Start one with three simulated nodes, and point kubectl at it:

                martlet serve --simulated-nodes 3
                kubectl --kubeconfig martlet-data/admin.kubeconfig get nodes
            """,
        version: version, subcommands: [Serve.self])
}
