/// How an answer is written: its encoding and the form that the client asked to see objects in.
public struct AnswerForm: Sendable, Hashable {
    public enum Encoding: Sendable, Hashable {
        case json, yaml, protobuf

        public var mediaType: String {
            switch self {
            case .json: "application/json"
            case .yaml: "application/yaml"
            case .protobuf: "application/vnd.kubernetes.protobuf"
            }
        }
    }

    public enum Shape: Sendable, Hashable {
        case object
        /// `as=Table;g=meta.k8s.io;v=v1`
        case table
        /// `as=PartialObjectMetadata`, or its list for collections
        case metadata
    }

    public var encoding: Encoding
    public var shape: Shape
    /// The apiVersion that a table says.
    public var tableVersion = "meta.k8s.io/v1"
    /// Indented JSON, as `?pretty=true` asks for.
    public var isPretty = false

    public static let json = AnswerForm(encoding: .json, shape: .object)

    /// Picks the first form in the Accept header that can be had; JSON if there is no header.
    /// Nil if none can be had: that is 406.
    ///
    /// Kubernetes does not weigh by `q`: the first that is served wins.
    public init?(accept: String, allowsShapes: Bool) {
        if accept.isEmpty {
            self = .json
            return
        }
        for clause in accept.split(separator: ",") {
            if let form = Self.parse(clause, allowsShapes: allowsShapes) {
                self = form
                return
            }
        }
        return nil
    }

    public init(encoding: Encoding, shape: Shape) {
        self.encoding = encoding
        self.shape = shape
    }

    /// Whether an Accept header names an encoding that is served, in whatever shape.
    static func names(servedType accept: String) -> Bool {
        accept.split(separator: ",").contains { clause in
            encoding(clause.split(separator: ";").first.map(trimmed)) != nil
        }
    }

    private static func encoding(_ mediaType: Substring?) -> Encoding? {
        switch mediaType {
        case "application/json", "*/*", "application/*": .json
        case "application/yaml": .yaml
        case "application/vnd.kubernetes.protobuf": .protobuf
        default: nil
        }
    }

    private static func parse(_ clause: Substring, allowsShapes: Bool) -> AnswerForm? {
        let parts = clause.split(separator: ";").map(trimmed)
        guard let encoding = encoding(parts.first) else { return nil }
        let parameters = Dictionary(
            parts.dropFirst().compactMap(parameter), uniquingKeysWith: { first, _ in first })
        guard let shape = parameters["as"] else {
            return AnswerForm(encoding: encoding, shape: .object)
        }
        guard allowsShapes, parameters["g"] == "meta.k8s.io",
            ["v1", "v1beta1"].contains(parameters["v"])
        else { return nil }
        switch shape {
        case "Table" where encoding == .json:
            var form = AnswerForm(encoding: encoding, shape: .table)
            form.tableVersion = "meta.k8s.io/\(parameters["v"] ?? "v1")"
            return form
        case "PartialObjectMetadata", "PartialObjectMetadataList":
            return AnswerForm(encoding: encoding, shape: .metadata)
        default: return nil
        }
    }

    private static func parameter(_ part: Substring) -> (String, String)? {
        guard let equals = part.firstIndex(of: "=") else { return nil }
        return (String(part[..<equals]), String(part[part.index(after: equals)...]))
    }
}

/// The text without spaces and tabs at its ends.
func trimmed(_ text: Substring) -> Substring {
    let isSpace = { (character: Character) in character == " " || character == "\t" }
    var text = text.drop(while: isSpace)
    while let last = text.last, isSpace(last) { text.removeLast() }
    return text
}
