/// Writes a tree as JSON, as kube-apiserver does: fields in the schema's order, kind and apiVersion
/// first, and what is empty by its field's ``Presence``.
public enum JSONWriter {
    /// Writes an object with its kind and apiVersion, if its type is a kind.
    ///
    /// - Parameter apiVersion: What to call it, if not ``MessageType/clientAPIVersion``.
    public static func write(
        object: Message, apiVersion: String? = nil, into writer: inout ByteWriter
    ) {
        guard object.type.isKind else { return write(object, into: &writer) }
        writer.append("{\"kind\":")
        writer.appendJSON(object.type.kind)
        writer.append(",\"apiVersion\":")
        writer.appendJSON(apiVersion ?? object.type.clientAPIVersion)
        var isFirst = false
        fields(of: object, isFirst: &isFirst, into: &writer)
        writer.append(UInt8(ascii: "}"))
    }

    /// Writes free-form JSON: a tree without messages, whose maps are sorted by key.
    public static func write(_ value: Value, into writer: inout ByteWriter) {
        switch value {
        case .null: writer.append("null")
        case .bool(let bool): writer.append(json: bool)
        case .int(let int): writer.append(decimal: int)
        case .double(let double): writer.append(json: double)
        case .string(let text): writer.appendJSON(text)
        case .bytes(let bytes): writer.append(base64: bytes)
        case .timestamp(let time): writer.append(json: time, micro: time.nanoseconds != 0)
        case .message(let message): write(message, into: &writer)
        case .list(let list):
            writer.appendList(list) { writer, element in write(element, into: &writer) }
        case .map(let map):
            writer.appendMap(map) { writer, element in write(element, into: &writer) }
        }
    }

    /// A message within another one, whose kind nobody says.
    private static func write(_ message: Message, into writer: inout ByteWriter) {
        switch message.type.form {
        case .oneOrMany, .oneOrStrings:
            let number = message[2] == nil ? 1 : 2
            writeOne(message, number, else: .null, into: &writer)
        case .oneOrBool:
            let number = message[2] == nil ? 1 : 2
            writeOne(message, number, else: .bool(false), into: &writer)
        default:
            var isFirst = true
            writer.append(UInt8(ascii: "{"))
            fields(of: message, isFirst: &isFirst, into: &writer)
            writer.append(UInt8(ascii: "}"))
        }
    }

    private static func writeOne(
        _ message: Message, _ number: Int, else empty: Value, into writer: inout ByteWriter
    ) {
        guard let value = message[number], let field = message.type.field(number) else {
            return write(empty, into: &writer)
        }
        write(value, field, into: &writer)
    }

    private static func fields(
        of message: Message, isFirst: inout Bool, into writer: inout ByteWriter
    ) {
        for field in message.type.fields {
            let value = message[field.number]
            if field.isInline, let type = field.type {
                var inner = Message(type)
                if case .message(let there)? = value { inner = there }
                fields(of: inner, isFirst: &isFirst, into: &writer)
            } else if value != nil || field.isAlwaysWritten {
                if !isFirst { writer.append(UInt8(ascii: ",")) }
                isFirst = false
                writer.append(field.keyBytes)
                write(value ?? field.empty, field, into: &writer)
            }
        }
    }

    private static func write(_ value: Value, _ field: Field, into writer: inout ByteWriter) {
        switch value {
        case .list(let list) where field.isList:
            writer.appendList(list) { writer, element in
                writeElement(element, field, into: &writer)
            }
        case .map(let map) where field.isMap:
            writer.appendMap(map) { writer, element in
                writeElement(element, field, into: &writer)
            }
        default: writeElement(value, field, into: &writer)
        }
    }

    private static func writeElement(
        _ value: Value, _ field: Field, into writer: inout ByteWriter
    ) {
        switch (field.kind, value) {
        case (.raw, .bytes(let bytes)): writer.append(raw: bytes)
        case (.time, .timestamp(let time)): writer.append(json: time, micro: false)
        case (.microTime, .timestamp(let time)): writer.append(json: time, micro: true)
        case (.message, .message(let object)) where field.saysKind:
            write(object: object, into: &writer)
        default: write(value, into: &writer)
        }
    }
}

extension Field {
    /// What is written for it where it is always written.
    var empty: Value {
        if isList || isMap || isNullWhereAbsent { return .null }
        switch kind {
        case .bytes, .raw, .time, .microTime, .items: return .null
        case .duration: return .string("0s")
        default: return zero
        }
    }
}

extension ByteWriter {
    mutating func append(json bool: Bool) {
        if bool { append("true") } else { append("false") }
    }

    mutating func append(json time: Timestamp, micro: Bool) {
        append(UInt8(ascii: "\""))
        append(time: time, micro: micro)
        append(UInt8(ascii: "\""))
    }

    mutating func append(base64 bytes: [UInt8]) {
        bytes.withCursor { appendBase64($0, 0..<$0.end) }
    }

    /// Writes raw JSON, in which Go escapes as within strings; an object in protobuf is decoded.
    mutating func append(raw bytes: [UInt8]) {
        bytes.withCursor { appendRaw($0, 0..<$0.end) }
    }

    mutating func appendRaw(_ cursor: ByteCursor, _ range: Range<Int>) {
        if range.isEmpty { return append("null") }
        if Envelope.isMagic(cursor.subrange(range)) { return appendEnveloped(cursor.array(range)) }
        for index in range {
            let byte = cursor[index]
            switch byte {
            case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
                append("\\u00")
                append(JSONEscapes.hex(byte >> 4))
                append(JSONEscapes.hex(byte & 0xf))
            default: append(byte)
            }
        }
    }

    /// An object within a raw field, as watch events have it; null if it is damaged, or within
    /// another such object, which nobody needs and which could go on without end.
    private mutating func appendEnveloped(_ bytes: [UInt8]) {
        guard !isWithinEnvelope else { return append("null") }
        isWithinEnvelope = true
        defer { isWithinEnvelope = false }
        do {
            let envelope = try Envelope(bytes)
            guard let type = Schema.kind(envelope.apiVersion, envelope.kind) else {
                return append("null")
            }
            let object = try ProtobufDecoder.decode(Array(bytes[envelope.raw]), as: type)
            JSONWriter.write(object: object, apiVersion: envelope.apiVersion, into: &self)
        } catch {
            append("null")
        }
    }

    mutating func appendList(_ list: [Value], _ body: (inout ByteWriter, Value) -> Void) {
        var separator = UInt8(ascii: "[")
        for element in list {
            append(separator)
            body(&self, element)
            separator = UInt8(ascii: ",")
        }
        if list.isEmpty { append(separator) }
        append(UInt8(ascii: "]"))
    }

    mutating func appendMap(_ map: ValueMap, _ body: (inout ByteWriter, Value) -> Void) {
        var separator = UInt8(ascii: "{")
        for entry in map.entries {
            append(separator)
            appendJSON(entry.key)
            append(UInt8(ascii: ":"))
            body(&self, entry.value)
            separator = UInt8(ascii: ",")
        }
        if map.isEmpty { append(separator) }
        append(UInt8(ascii: "}"))
    }
}
