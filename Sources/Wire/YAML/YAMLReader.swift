/// A document of YAML as JSON, which Kubernetes' API reads in its place.
public struct YAMLAsJSON: Sendable {
    /// Keys are sorted, as sigs.k8s.io/yaml writes them.
    public var json: [UInt8]
    /// The line on which the document begins, from 1.
    public var line: Int
    /// Keys that stand twice in a mapping; the last wins.
    public var repeated: [String]

    /// What strict validation says of the repeated keys.
    public var issue: String? {
        repeated.isEmpty ? nil
            : "yaml: unmarshal errors:\n" + repeated.map { "  \($0)" }.joined(separator: "\n")
    }

    /// Reads the first document; an empty file is `null`.
    ///
    /// - Throws: ``YAMLError`` in kube-apiserver's words.
    public static func first(of bytes: RawSpan) throws(YAMLError) -> YAMLAsJSON {
        try check(bytes)
        var composer = YAMLComposer(bytes)
        guard let document = try composer.document() else {
            return YAMLAsJSON(json: Array("null".utf8), line: 1, repeated: [])
        }
        return try YAMLAsJSON(document)
    }

    /// Reads all documents, except empty ones.
    public static func all(of bytes: RawSpan) throws(YAMLError) -> [YAMLAsJSON] {
        var composer = YAMLComposer(bytes)
        var all: [YAMLAsJSON] = []
        while let document = try composer.document() {
            if case .scalar(.null) = document.root.content { continue }
            all.append(try YAMLAsJSON(document))
        }
        return all
    }

    private static func check(_ bytes: RawSpan) throws(YAMLError) {
        guard bytes.byteCount <= Bounds.objectBytesMax else { throw tooBig }
    }

    private static var tooBig: YAMLError {
        YAMLError("the object is larger than \(Bounds.objectBytesMax) bytes", line: 0)
    }

    private init(_ document: YAMLDocument) throws(YAMLError) {
        var writer = ByteWriter()
        try YAMLAsJSON.write(document.root, into: &writer)
        self.init(json: writer.array(), line: document.line, repeated: document.repeated)
    }

    private init(json: [UInt8], line: Int, repeated: [String]) {
        (self.json, self.line, self.repeated) = (json, line, repeated)
    }

    private static func write(_ node: YAMLNode, into writer: inout ByteWriter) throws(YAMLError) {
        guard writer.count <= Bounds.objectBytesMax else { throw tooBig }
        switch node.content {
        case .scalar(let scalar): try write(scalar, into: &writer)
        case .sequence(let elements):
            var separator = UInt8(ascii: "[")
            for element in elements {
                writer.append(separator)
                try write(element, into: &writer)
                separator = UInt8(ascii: ",")
            }
            if elements.isEmpty { writer.append(separator) }
            writer.append(UInt8(ascii: "]"))
        case .mapping(let entries):
            var last: [String: YAMLNode] = [:]
            for entry in entries { last[entry.key] = entry.value }
            var separator = UInt8(ascii: "{")
            for entry in last.sorted(by: { $0.key.precedes($1.key) }) {
                writer.append(separator)
                writer.appendJSON(entry.key)
                writer.append(UInt8(ascii: ":"))
                try write(entry.value, into: &writer)
                separator = UInt8(ascii: ",")
            }
            if entries.isEmpty { writer.append(separator) }
            writer.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ scalar: YAMLScalar, into writer: inout ByteWriter)
        throws(YAMLError)
    {
        switch scalar {
        case .null: writer.append("null")
        case .bool(let bool): writer.append(json: bool)
        case .int(let int): writer.append(decimal: int)
        case .unsigned(let int): writer.append(decimal: int)
        case .string(let text): writer.appendJSON(text)
        case .double(let double):
            guard double.isFinite else {
                throw YAMLError("json: unsupported value: \(double)", line: 0)
            }
            writer.append(json: double)
        }
    }
}
