import ArgumentParser

/// Turns manifests into Kubernetes' protobuf and back, and shows what is in it.
@main
struct MartletWire: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-wire",
        abstract: "Kubernetes objects between YAML, JSON and protobuf.",
        discussion: """
            One object is written as kube-apiserver writes it: the bytes `k8s\\0` and an envelope. \
            Of several, each stands behind four bytes of length, the highest first, as in a watch.

            Exit codes: 0 done, 64 wrong usage, 65 the input is not what it should be, 66 the \
            input cannot be read, 73 the output cannot be written.
            """,
        subcommands: [Encode.self, Decode.self, Inspect.self, Submit.self])
}

/// Where to read from, and where to write to.
struct Input: ParsableArguments {
    @Option(name: .customShort("f"), help: ArgumentHelp("The file to read; - is standard input.",
        valueName: "file"))
    var path = "-"
}

struct Output: ParsableArguments {
    @Option(name: .customShort("o"), help: ArgumentHelp("The file to write; - is standard output.",
        valueName: "file"))
    var path = "-"
}

/// A failure with its exit code.
struct Failure: Error, CustomStringConvertible {
    enum Code: Int32 {
        case usage = 64
        case data = 65
        case noInput = 66
        case cannotCreate = 73
    }

    let code: Code
    let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension ParsableCommand {
    /// Runs a body; a failure is printed as one line, and its code is the program's.
    func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as Failure {
            Files.say("martlet-wire: \(failure)")
            throw ExitCode(failure.code.rawValue)
        }
    }
}

struct Submit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send objects over the bulk service, which this version has not yet.")

    @OptionGroup var input: Input
    @Option(help: "The file that says how to reach the API server.")
    var kubeconfig: String

    func run() throws {
        try reporting {
            throw Failure(.usage,
                "submit needs the bulk service, which this version has not yet; use kubectl apply")
        }
    }
}
