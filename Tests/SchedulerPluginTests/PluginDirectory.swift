import Foundation
import StrategyHost

/// A directory with copies of strategies that were just built, as tools/ install them.
final class PluginDirectory {
    let path: String

    struct NotBuilt: Error, CustomStringConvertible {
        let description: String
    }

    /// Copies libmartlet-ID.so of each id from beside the running test program.
    ///
    /// - Parameter change: what to do to the bytes first.
    init(_ ids: String..., mode: Int = 0o755, change: (inout [UInt8]) -> Void = { _ in }) throws {
        let files = FileManager.default
        path = files.temporaryDirectory.appendingPathComponent("martlet-\(UUID())").path
        try files.createDirectory(atPath: path, withIntermediateDirectories: true)
        let program = try files.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let built = URL(fileURLWithPath: program).deletingLastPathComponent()
        for id in ids {
            let library = built.appendingPathComponent("libmartlet-\(id).so")
            guard let data = files.contents(atPath: library.path) else {
                throw NotBuilt(description: "\(library.path) is missing; swift build makes it")
            }
            var bytes = Array(data)
            change(&bytes)
            let copy = "\(path)/libmartlet-\(id).so"
            try Data(bytes).write(to: URL(fileURLWithPath: copy))
            try files.setAttributes([.posixPermissions: mode], ofItemAtPath: copy)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func load(_ id: String, config: String? = nil) throws -> LoadedStrategy {
        try PluginLoader(directory: path).load(id, config: config.map { Array($0.utf8) })
    }

    /// Why a strategy is not loaded; nil if it is. The directory's name stands as `DIR`.
    func refusal(_ id: String, config: String? = nil) -> String? {
        do {
            _ = try load(id, config: config)
            return nil
        } catch {
            return "\(error)".replacingOccurrences(of: path, with: "DIR")
        }
    }
}

/// A host whose clock stands still unless it is told how far to go at each look.
func host(_ strategy: LoadedStrategy? = nil, step: Duration = .zero) -> PluginHost {
    var now = Duration.zero
    let host = PluginHost(clock: { now += step; return now }, wallSeconds: { 1_800_000_000 })
    if let strategy { host.activate(strategy) }
    return host
}
