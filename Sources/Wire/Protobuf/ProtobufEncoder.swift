/// Writes a tree as protobuf: fields by number, maps by key, as Kubernetes writes them.
///
/// The tree must fit its schema, which every decoder sees to; one that does not is a mistake of the
/// program, and traps.
enum ProtobufEncoder {
    static func encode(_ message: Message, into writer: inout ByteWriter) {
        for slot in message.slots {
            guard let field = message.type.field(slot.number) else {
                preconditionFailure("\(message.type.name) has no field \(slot.number)")
            }
            encode(slot.value, field, into: &writer)
        }
    }

    private static func encode(_ value: Value, _ field: Field, into writer: inout ByteWriter) {
        switch value {
        case .list(let list) where field.isList:
            for element in list { encodeElement(element, field, field.number, into: &writer) }
        case .map(let map) where field.isMap:
            for entry in map.entries {
                let start = writer.beginField(field.number)
                writer.appendField(1, entry.key)
                encodeElement(entry.value, field, 2, into: &writer)
                writer.endField(start)
            }
        default: encodeElement(value, field, field.number, into: &writer)
        }
    }

    private static func encodeElement(
        _ value: Value, _ field: Field, _ number: Int, into writer: inout ByteWriter
    ) {
        switch (field.kind, value) {
        case (.string, .string(let text)): writer.appendField(number, text)
        case (.bool, .bool(let bool)): writer.appendField(number, varint: bool ? 1 : 0)
        case (.int32, .int(let int)), (.int64, .int(let int)):
            writer.appendField(number, varint: UInt64(bitPattern: int))
        case (.double, .double(let double)): encode(double, number, into: &writer)
        case (.double, .int(let int)): encode(Double(int), number, into: &writer)
        case (.bytes, .bytes(let bytes)): writer.appendField(number, bytes)
        case (.message, .message(let message)):
            let start = writer.beginField(number)
            encode(message, into: &writer)
            writer.endField(start)
        default: encodeSpecial(value, field, number, into: &writer)
        }
    }

    private static func nanoseconds(_ text: String) -> Int64 {
        do {
            return try GoDuration(parsing: text).nanoseconds
        } catch {
            preconditionFailure("a tree holds a duration that is none: \(text)")
        }
    }

    private static func encode(_ double: Double, _ number: Int, into writer: inout ByteWriter) {
        writer.appendTag(number, WireType.fixed64)
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            writer.append(UInt8(truncatingIfNeeded: double.bitPattern >> shift))
        }
    }

    /// The little messages that JSON writes as one value.
    private static func encodeSpecial(
        _ value: Value, _ field: Field, _ number: Int, into writer: inout ByteWriter
    ) {
        let start = writer.beginField(number)
        switch (field.kind, value) {
        case (.quantity, .string(let text)): writer.appendField(1, text)
        case (.raw, .bytes(let bytes)): if !bytes.isEmpty { writer.appendField(1, bytes) }
        case (.time, .timestamp(let time)), (.microTime, .timestamp(let time)):
            writer.appendField(1, varint: UInt64(bitPattern: time.seconds))
            let nanoseconds = field.kind == .time ? 0 : time.nanoseconds
            writer.appendField(2, varint: UInt64(nanoseconds))
        case (.time, .null), (.microTime, .null): break
        case (.duration, .string(let text)):
            writer.appendField(1, varint: UInt64(bitPattern: nanoseconds(text)))
        case (.intOrString, .int(let int)):
            writer.appendField(1, varint: 0)
            writer.appendField(2, varint: UInt64(bitPattern: int))
            writer.appendField(3, "")
        case (.intOrString, .string(let text)):
            writer.appendField(1, varint: 1)
            writer.appendField(2, varint: 0)
            writer.appendField(3, text)
        case (.items, .list(let list)):
            for case .string(let text) in list { writer.appendField(1, text) }
        default: preconditionFailure("\(field.name) does not hold what its schema says")
        }
        writer.endField(start)
    }
}
