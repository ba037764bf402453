/// A field of a message as its bytes have it.
public struct InspectedField: Equatable, Sendable {
    /// Of its tag, from the beginning of the input.
    public var offset: Int
    /// Messages around it.
    public var depth: Int
    public var number: Int
    /// Its JSON name, or nil if the schema has no such field.
    public var name: String?
    /// `string`, `varint`, `message kubernetes.core.v1.PodSpec`.
    public var type: String
    /// Nil for messages, whose fields follow.
    public var value: String?
}

/// Takes protobuf bytes apart, field by field, also what the schema does not know.
public struct Inspection: Sendable {
    /// In the order of the bytes.
    public private(set) var fields: [InspectedField] = []

    /// Walks the message that stands in a part of `bytes`. Where they are damaged it ends with the
    /// error, and has what comes before.
    public static func read(_ bytes: [UInt8], _ part: Range<Int>, as type: MessageType?)
        -> (Inspection, ProtobufError?)
    {
        var inspection = Inspection()
        do {
            try bytes.withCursor { (cursor) throws(ProtobufError) in
                try inspection.walk(cursor.subrange(part), type.map(Shape.message), 0)
            }
            return (inspection, nil)
        } catch {
            return (inspection, error)
        }
    }

    /// What a message's fields are.
    private enum Shape {
        case message(MessageType)
        /// A map's entry.
        case entry(Field)

        func field(_ number: Int) -> (name: String, field: Field?)? {
            switch self {
            case .message(let type):
                guard let field = type.field(number) else { return nil }
                return (field.name, field)
            case .entry(let field):
                return number == 1 ? ("key", nil) : number == 2 ? ("value", field) : nil
            }
        }
    }

    private mutating func walk(_ bytes: ByteCursor, _ shape: Shape?, _ depth: Int)
        throws(ProtobufError)
    {
        guard depth < Bounds.depthMax else { throw ProtobufError(.tooDeep, at: bytes.position) }
        var cursor = bytes
        while !cursor.isAtEnd {
            let offset = cursor.position
            let tag = try cursor.tag()
            let known = shape?.field(tag.number)
            var isEntry = false
            if case .message? = shape { isEntry = known?.field?.isMap == true }
            var row = InspectedField(
                offset: offset, depth: depth, number: tag.number, name: known?.name,
                type: Inspection.wireName(tag.wireType))
            if tag.wireType == WireType.lengthDelimited {
                let part = try cursor.delimited()
                try add(&row, cursor.subrange(part), known?.field, isEntry, depth)
            } else {
                let start = cursor.position
                try cursor.skip(tag)
                let part = bytes.subrange(start..<cursor.position)
                row.value = try Inspection.number(part, tag, known?.field)
                if let kind = known?.field?.kind { row.type = "\(kind)" }
                fields.append(row)
            }
        }
    }

    private mutating func add(
        _ row: inout InspectedField, _ part: ByteCursor, _ field: Field?, _ isEntry: Bool,
        _ depth: Int
    ) throws(ProtobufError) {
        let range = part.position..<part.end
        if let field, isEntry {
            row.type = "entry"
            fields.append(row)
            return try walk(part, .entry(field), depth + 1)
        }
        if let type = field?.type {
            row.type = "message \(type.name)"
            fields.append(row)
            return try walk(part, .message(type), depth + 1)
        }
        row.type = field.map { "\($0.kind)" } ?? (row.name == "key" ? "string" : "bytes")
        if field?.kind != .bytes, let text = part.string(range) {
            row.value = goQuoted(text.utf8)
        } else {
            row.value = "\(range.count) bytes: \(Inspection.hex(part, range))"
        }
        fields.append(row)
    }

    private static func number(_ bytes: ByteCursor, _ tag: Tag, _ field: Field?)
        throws(ProtobufError) -> String
    {
        var cursor = bytes
        switch tag.wireType {
        case WireType.varint:
            let value = try cursor.varint()
            if field?.kind == .bool { return value == 0 ? "false" : "true" }
            return "\(Int64(bitPattern: value))"
        case WireType.fixed64:
            let bits = try cursor.fixed64()
            return field?.kind == .double ? "\(Double(bitPattern: bits))" : "\(bits)"
        default: return hex(bytes, bytes.position..<bytes.end)
        }
    }

    private static func wireName(_ type: UInt8) -> String {
        switch type {
        case WireType.varint: "varint"
        case WireType.fixed64: "fixed64"
        case WireType.lengthDelimited: "bytes"
        case WireType.startGroup: "group"
        case WireType.fixed32: "fixed32"
        default: "wire type \(type)"
        }
    }

    /// The first 32 bytes.
    private static func hex(_ bytes: ByteCursor, _ range: Range<Int>) -> String {
        var text = ""
        for index in range.prefix(32) {
            text.unicodeScalars.append(UnicodeScalar(JSONEscapes.hex(bytes[index] >> 4)))
            text.unicodeScalars.append(UnicodeScalar(JSONEscapes.hex(bytes[index] & 0xf)))
        }
        return range.count > 32 ? text + "..." : text
    }
}
