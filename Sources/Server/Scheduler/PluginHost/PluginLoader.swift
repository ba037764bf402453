internal import Glibc

/// Finds strategies in a directory: ID is in `libmartlet-ID.so`.
public struct PluginLoader: Sendable {
    public let directory: String

    public init(directory: String) { self.directory = directory }

    /// Loads, checks and tests a strategy. Takes milliseconds; call it beside the decisions.
    ///
    /// - Parameter config: JSON for the strategy; nil: `{}`.
    public func load(_ id: String, config: [UInt8]? = nil) throws(PluginRefusal) -> LoadedStrategy {
        guard Self.isValid(id) else {
            throw PluginRefusal(id: id, reason: "a strategy's name is made of at most 63 "
                + "lower-case letters, digits and hyphens")
        }
        let path = "\(directory)/libmartlet-\(id).so"
        guard unsafe access(path, F_OK) == 0 else {
            let known = available().joined(separator: ", ")
            throw PluginRefusal(id: id, reason: "there is no strategy \(id) in \(directory)"
                + (known.isEmpty ? ", which has none" : ", which has \(known)"))
        }
        let image = try PluginImage.load(try PluginFile(path: path, id: id), as: id)
        return try LoadedStrategy(image, config: config ?? Array("{}".utf8))
    }

    /// The ids of the libraries in the directory, sorted; loads none of them.
    public func available() -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe _ = closedir(stream) }
        var ids: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            guard name.hasPrefix("libmartlet-"), name.hasSuffix(".so") else { continue }
            let id = String(name.dropFirst(11).dropLast(3))
            if Self.isValid(id) { ids.append(id) }
        }
        return ids.sorted()
    }

    private static func isValid(_ id: String) -> Bool {
        let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
        return (1...63).contains(id.utf8.count) && id.allSatisfy(allowed.contains)
            && !id.hasPrefix("-") && !id.hasSuffix("-")
    }
}
