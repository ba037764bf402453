import Wire

/// Takes a document's entries one by one, so that no tree of all of it is ever made.
protocol DocumentOutput: ~Copyable {
    mutating func begin(_ section: DocumentSection)
    /// A path and its item, or a name and its schema.
    mutating func add(_ name: String, _ value: Value)
    mutating func end()
    consuming func finish() -> [UInt8]
}

enum DocumentSection {
    case paths, definitions
}

/// Goes through what a document describes.
struct DocumentWriter {
    let dialect: Dialect

    func document<Output: DocumentOutput & ~Copyable>(
        of parts: [APIPart], _ output: consuming Output
    ) -> [UInt8] {
        var roots: [MessageType] = []
        output.begin(.paths)
        for part in parts { add(part, &roots, to: &output) }
        output.end()
        output.begin(.definitions)
        let definitions = Definitions(dialect: dialect)
        for (name, type) in reachable(from: roots) {
            output.add(name, definitions.definition(of: type))
        }
        output.end()
        return output.finish()
    }

    private func add<Output: DocumentOutput & ~Copyable>(
        _ part: APIPart, _ roots: inout [MessageType], to output: inout Output
    ) {
        let operations = Operations(dialect: dialect)
        let type: MessageType? =
            switch part.content {
            case .resources: .meta("APIResourceList")
            case .discovery(let type): type
            case .text: nil
            }
        let slash = type == nil ? "" : "/"
        output.add("/\(part.path)\(slash)", operations.item(reading: type, path: part.path))
        if let type { roots.append(type) }
        for path in part.resourceTypes.flatMap(ResourcePath.all) {
            output.add(path.template, operations.item(path))
            roots += path.references
        }
        if case .resources = part.content { roots.append(.meta("WatchEvent")) }
    }
}

/// Writes a document as JSON.
struct JSONOutput: DocumentOutput, ~Copyable {
    private let dialect: Dialect
    private var writer = ByteWriter(capacity: 64 * 1024)
    private var isFirst = true

    init(_ dialect: Dialect) {
        self.dialect = dialect
        switch dialect {
        case .version2: writer.append("{\"swagger\":\"2.0\",\"info\":")
        case .version3: writer.append("{\"openapi\":\"3.0.0\",\"info\":")
        }
        JSONWriter.write(Self.info, into: &writer)
    }

    static let info = Value.object([
        "title": .string("Kubernetes"), "version": .string(OpenAPIDocument.version),
    ])

    mutating func begin(_ section: DocumentSection) {
        switch (section, dialect) {
        case (.paths, _): writer.append(",\"paths\":{")
        case (.definitions, .version2): writer.append(",\"definitions\":{")
        case (.definitions, .version3): writer.append(",\"components\":{\"schemas\":{")
        }
        isFirst = true
    }

    mutating func add(_ name: String, _ value: Value) {
        if !isFirst { writer.append(UInt8(ascii: ",")) }
        isFirst = false
        JSONWriter.write(.string(name), into: &writer)
        writer.append(UInt8(ascii: ":"))
        JSONWriter.write(value, into: &writer)
    }

    mutating func end() { writer.append(UInt8(ascii: "}")) }

    consuming func finish() -> [UInt8] {
        if dialect == .version3 { writer.append(UInt8(ascii: "}")) }
        writer.append(UInt8(ascii: "}"))
        return writer.array()
    }
}
