import ArgumentParser
import Store

/// The program. Its subcommands are the control plane and the tools of its store.
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
        version: version, subcommands: [Serve.self, StoreCommand.self])

    static func main() async {
        do {
            var command = try parsed(Array(CommandLine.arguments.dropFirst()))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as SettingError {
            LineLogHandler.say("\(error)")
            exit(withError: ExitCode(64))
        } catch let error as StoreCommandError {
            LineLogHandler.say("\(error)")
            exit(withError: ExitCode(1))
        } catch let error as LogProblem {
            LineLogHandler.say("\(error)")
            exit(withError: ExitCode(1))
        } catch {
            exit(withError: error)
        }
    }

    /// The command that `words` are, with what its file of settings adds.
    ///
    /// - Throws: ``SettingError`` for what cannot be used; else what asks for help or version.
    static func parsed(_ words: [String]) throws -> any ParsableCommand {
        if let flag = words.lazy.compactMap(UnbuiltFlags.match).first {
            throw SettingError(flag, "is not built yet")
        }
        let command: any ParsableCommand
        do { command = try parseAsRoot(words) } catch { throw SettingError.of(error) }
        guard let path = (command as? Serve)?.config else { return command }
        let settings = try ConfigFile.words(path: path)
        do { return try parseAsRoot(words.prefix(1) + settings + words.dropFirst()) } catch {
            throw SettingError("--config", "\(path): \(message(for: error))")
        }
    }
}

extension SettingError {
    /// An error of the command line as one sentence; other errors, such as a wish for help, stay.
    fileprivate static func of(_ error: any Error) -> any Error {
        guard Martlet.exitCode(for: error) == .validationFailure else { return error }
        return SettingError("martlet:", Martlet.message(for: error))
    }
}

/// Flags of the contract that this version has not got. They are refused, not passed over: who
/// asks for an audit log must not believe that there is one.
enum UnbuiltFlags {
    private static let names: Set<String> = [
        "enable-admission-plugins", "disable-admission-plugins", "admission-control-config-file",
        "authentication-config", "authorization-config", "runtime-config", "tracing-config-file",
    ]
    private static let beginnings = [
        "audit-", "encryption-provider-", "oidc-", "authentication-token-webhook-",
        "authorization-webhook-",
    ]

    /// The flag that a word of the command line is, if it is one of these.
    static func match(_ word: String) -> String? {
        guard word.hasPrefix("--") else { return nil }
        let name = String(word.dropFirst(2).prefix { $0 != "=" })
        let isUnbuilt = names.contains(name) || beginnings.contains { name.hasPrefix($0) }
        return isUnbuilt ? "--\(name)" : nil
    }
}
