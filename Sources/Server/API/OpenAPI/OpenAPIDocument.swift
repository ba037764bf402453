import Wire

/// A document that describes the API, or a part of it, as OpenAPI does.
///
/// Documents follow from the schema alone. They are made when they are asked for and not kept.
public enum OpenAPIDocument: Hashable, Sendable {
    /// How the document of version 2 is written.
    public enum Encoding: Hashable, Sendable {
        case json
        /// `openapi.v2.Document`, which kubectl before 1.27 asks for.
        case protobuf
    }

    /// Everything, as Swagger 2.0.
    case version2(Encoding)
    /// What is served below a path such as `apis/apps/v1`, as OpenAPI 3.0.
    case version3(path: String)

    /// The Kubernetes whose API this is.
    public static let version = "v1.36.0"

    /// The paths that have a document of version 3, sorted.
    public static let paths: [String] = APIPart.all.map(\.path).sorted { $0.precedes($1) }

    /// The document, or nil if nothing is served below its path.
    ///
    /// - Complexity: O(*n*) in the bytes of the document: at most 0.4 MB, and 0.9 MB for everything.
    public func bytes() -> [UInt8]? {
        let swagger = DocumentWriter(dialect: .version2)
        switch self {
        case .version2(.json): return swagger.document(of: APIPart.all, JSONOutput(.version2))
        case .version2(.protobuf): return swagger.document(of: APIPart.all, GnosticOutput())
        case .version3(let path):
            guard let part = APIPart.all.first(where: { $0.path == path }) else { return nil }
            return DocumentWriter(dialect: .version3).document(of: [part], JSONOutput(.version3))
        }
    }

    /// What tells this content from any other: 64 bits in hexadecimal digits.
    ///
    /// - Source: Fowler, Noll, Vo: FNV-1a.
    public static func hash(of bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The list of all documents of version 3: where each is, with the hash of its content.
    public static func index(hash: (OpenAPIDocument) -> String) -> [UInt8] {
        let links = paths.map { path in
            let link = "/openapi/v3/\(path)?hash=\(hash(.version3(path: path)))"
            return (key: path, value: Value.object(["serverRelativeURL": .string(link)]))
        }
        return Value.object(["paths": .map(ValueMap(links))]).json
    }
}

/// How the two versions of OpenAPI differ in what they call things.
enum Dialect {
    case version2, version3

    var referencePrefix: String {
        switch self {
        case .version2: "#/definitions/"
        case .version3: "#/components/schemas/"
        }
    }

    func reference(to type: MessageType) -> Value {
        .object(["$ref": .string(referencePrefix + type.definitionName)])
    }
}

extension Value {
    /// A JSON object without the members that are nil.
    static func object(_ members: KeyValuePairs<String, Value?>) -> Value {
        var map = ValueMap()
        for (key, value) in members { map[key] = value }
        return .map(map)
    }

    static func strings(_ texts: [String]) -> Value { .list(texts.map { .string($0) }) }
}
