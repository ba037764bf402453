import FoundationEssentials
public import Transport
import Yams

/// How to reach a cluster and as whom, as a kubeconfig file's current context says.
public struct Kubeconfig: Sendable {
    public var host: String
    public var port: Int
    /// What stands before `/api` in every path; empty mostly.
    public var pathPrefix: String
    public var tls: ClientTLSConfiguration?
    public var bearerToken: String?

    /// Reads a kubeconfig file and the files that it names.
    ///
    /// - Throws: ``KubeconfigError``, with the place in the file.
    public init(path: String) throws(KubeconfigError) {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let bytes = try Self.contents(path, in: "", for: "kubeconfig")
        try self.init(text: String(decoding: bytes, as: UTF8.self), folder: folder)
    }

    /// - Parameter folder: Relative file names start here.
    public init(text: String, folder: String) throws(KubeconfigError) {
        let root = try Self.parse(text)
        guard let name = root["current-context"]?.string, !name.isEmpty else {
            throw KubeconfigError("current-context: not set")
        }
        let context = try Self.entry("contexts", "context", name, root)
        let clusterName = context["cluster"]?.string ?? ""
        let cluster = try Self.entry("clusters", "cluster", clusterName, root)
        let user = try context["user"]?.string.map { name throws(KubeconfigError) in
            try Self.entry("users", "user", name, root)
        }
        let server = try ServerURL(cluster["server"]?.string ?? "")
        (host, port, pathPrefix) = (server.host, server.port, server.path)
        tls = server.isSecure ? try Self.tls(cluster, user, folder) : nil
        bearerToken = try Self.token(user, folder)
    }

    private static func parse(_ text: String) throws(KubeconfigError) -> Node {
        do {
            guard let root = try Yams.compose(yaml: text) else {
                throw KubeconfigError("the file is empty")
            }
            return root
        } catch {
            throw KubeconfigError("\(error)")
        }
    }

    /// The entry of this name in a list such as `clusters`.
    private static func entry(
        _ list: String, _ key: String, _ name: String, _ root: Node
    ) throws(KubeconfigError) -> Node {
        let entries = root[list].map { Array($0.sequence ?? []) } ?? []
        guard let found = entries.first(where: { $0["name"]?.string == name })?[key] else {
            throw KubeconfigError("\(list): no entry \"\(name)\"")
        }
        return found
    }

    private static func tls(
        _ cluster: Node, _ user: Node?, _ folder: String
    ) throws(KubeconfigError) -> ClientTLSConfiguration {
        if cluster["insecure-skip-tls-verify"]?.bool == true {
            throw KubeconfigError("insecure-skip-tls-verify: not supported; name the CA instead")
        }
        return ClientTLSConfiguration(
            serverCAsPEM: try material("certificate-authority", cluster, folder) ?? [],
            certificateChainPEM: try material("client-certificate", user, folder) ?? [],
            privateKeyPEM: try material("client-key", user, folder) ?? [],
            serverName: cluster["tls-server-name"]?.string)
    }

    private static func token(_ user: Node?, _ folder: String) throws(KubeconfigError) -> String? {
        if let token = user?["token"]?.string, !token.isEmpty { return token }
        guard let file = user?["tokenFile"]?.string else { return nil }
        let bytes = try contents(file, in: folder, for: "tokenFile")
        return String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    }

    /// What stands under `key` with `-data` in base64, or in the file that `key` names.
    private static func material(
        _ key: String, _ entry: Node?, _ folder: String
    ) throws(KubeconfigError) -> [UInt8]? {
        if let text = entry?["\(key)-data"]?.string, !text.isEmpty {
            guard let data = Data(base64Encoded: text.filter { !$0.isWhitespace }) else {
                throw KubeconfigError("\(key)-data: not base64")
            }
            return [UInt8](data)
        }
        guard let file = entry?[key]?.string, !file.isEmpty else { return nil }
        return try contents(file, in: folder, for: key)
    }

    private static func contents(
        _ file: String, in folder: String, for key: String
    ) throws(KubeconfigError) -> [UInt8] {
        let path = file.hasPrefix("/") || folder.isEmpty ? file : "\(folder)/\(file)"
        guard let data = FileManager.default.contents(atPath: path) else {
            throw KubeconfigError("\(key): cannot read \(path)")
        }
        return [UInt8](data)
    }
}

/// Why a kubeconfig file can't be used.
public struct KubeconfigError: Error, Hashable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// `https://127.0.0.1:6443/prefix`, in parts.
struct ServerURL: Hashable, Sendable {
    let isSecure: Bool
    let host: String
    let port: Int
    let path: String

    init(_ text: String) throws(KubeconfigError) {
        let secure = "https://"
        let plain = "http://"
        guard text.hasPrefix(secure) || text.hasPrefix(plain) else {
            throw KubeconfigError("server: \"\(text)\" does not begin with https://")
        }
        isSecure = text.hasPrefix(secure)
        let rest = text.dropFirst(isSecure ? secure.count : plain.count)
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
        // The last colon begins a port, unless it is within the brackets of an IPv6 address.
        let colon = authority.lastIndex(of: ":").flatMap { index in
            authority[index...].contains("]") ? nil : index
        }
        host = authority[..<(colon ?? authority.endIndex)].filter { $0 != "[" && $0 != "]" }
        guard let colon else {
            port = isSecure ? 443 : 80
            return
        }
        guard let number = UInt16(authority[authority.index(after: colon)...]) else {
            throw KubeconfigError("server: \"\(text)\" has no port that is a number")
        }
        port = Int(number)
    }
}
