import Wire

/// Writes a document of version 2 as the protobuf message `openapi.v2.Document`.
///
/// - Source: OpenAPIv2.proto of github.com/google/gnostic.
struct GnosticOutput: DocumentOutput, ~Copyable {
    private var writer = ByteWriter(capacity: 64 * 1024)
    private var section: (start: Int, entry: Int, shape: GnosticShape)?

    init() {
        writer.appendField(1, "2.0")
        JSONOutput.info.write(.message(.info), as: 2, into: &writer)
    }

    mutating func begin(_ section: DocumentSection) {
        switch section {
        case .paths: self.section = (writer.beginField(8), 2, .message(.pathItem))
        case .definitions: self.section = (writer.beginField(9), 1, .message(.schema))
        }
    }

    mutating func add(_ name: String, _ value: Value) {
        guard let section else { preconditionFailure("an entry outside of a section") }
        value.write(named: name, section.shape, as: section.entry, into: &writer)
    }

    mutating func end() {
        guard let section else { preconditionFailure("no section has begun") }
        writer.endField(section.start)
        self.section = nil
    }

    consuming func finish() -> [UInt8] { writer.array() }
}

extension Value {
    /// Writes a JSON value as the field `number` of the message around it.
    fileprivate func write(
        _ shape: GnosticShape, as number: Int, into writer: inout ByteWriter
    ) {
        switch (shape, self) {
        case (.text, .string(let text)): writer.appendField(number, text)
        case (.flag, .bool(let flag)): writer.appendField(number, varint: flag ? 1 : 0)
        case (.list(let element), .list(let list)):
            for value in list { value.write(element, as: number, into: &writer) }
        case (.named(let element), .map(let map)):
            for entry in map.entries {
                entry.value.write(named: entry.key, element, as: number, into: &writer)
            }
        case (.within(let field, let inner), _):
            let start = writer.beginField(number)
            write(inner, as: field, into: &writer)
            writer.endField(start)
        case (.parameter, .map(let map)):
            write(GnosticShape.parameter(in: map["in"]), as: number, into: &writer)
        case (.message(let message), .map(let map)):
            let start = writer.beginField(number)
            for entry in map.entries {
                entry.value.write(member: entry.key, of: message, into: &writer)
            }
            writer.endField(start)
        default: preconditionFailure("\(self) is no \(shape)")
        }
    }

    /// An element of what is a map in JSON: a message of name and value.
    fileprivate func write(
        named name: String, _ shape: GnosticShape, as number: Int, into writer: inout ByteWriter
    ) {
        let start = writer.beginField(number)
        writer.appendField(1, name)
        write(shape, as: 2, into: &writer)
        writer.endField(start)
    }

    /// A member of an object; one that begins with `x-` is an extension, whose value is YAML.
    private func write(
        member name: String, of message: GnosticMessage, into writer: inout ByteWriter
    ) {
        if let field = message.fields[name] {
            return write(field.shape, as: field.number, into: &writer)
        }
        guard name.hasPrefix("x-"), let extensions = message.extensions else {
            preconditionFailure("\(message.name) has no \(name)")
        }
        let yaml = Value.string(String(decoding: json, as: UTF8.self))
        yaml.write(named: name, .within(2, .text), as: extensions, into: &writer)
    }
}
