/// Reads a message's bytes into a tree, by the schema.
///
/// Unknown fields are skipped, repeated numbers are taken packed and unpacked, and a message that
/// occurs twice is merged, as protobuf says. Never traps, whatever the bytes.
struct ProtobufDecoder {
    private var returnsLeft = Bounds.returnsMax

    static func decode(_ bytes: RawSpan, as type: MessageType) throws(ProtobufError) -> Message {
        try decode(bytes, 0..<bytes.byteCount, as: type)
    }

    /// Reads the message that stands in a part of `bytes`; errors count from their beginning.
    static func decode(_ bytes: RawSpan, _ part: Range<Int>, as type: MessageType)
        throws(ProtobufError) -> Message
    {
        guard part.count <= Bounds.objectBytesMax else {
            throw ProtobufError(.tooBig, at: Bounds.objectBytesMax)
        }
        return try bytes.withCursor { (cursor) throws(ProtobufError) in
            var message = Message(type)
            var decoder = ProtobufDecoder()
            try decoder.decode(cursor.subrange(part), into: &message, depth: 0)
            return message
        }
    }

    static func decode(_ bytes: [UInt8], as type: MessageType) throws(ProtobufError) -> Message {
        try bytes.withRawSpan { (span) throws(ProtobufError) in try decode(span, as: type) }
    }

    private mutating func decode(_ bytes: ByteCursor, into message: inout Message, depth: Int)
        throws(ProtobufError)
    {
        guard depth < Bounds.depthMax else { throw ProtobufError(.tooDeep, at: bytes.position) }
        var cursor = bytes
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard let field = message.type.field(tag.number) else {
                try cursor.skip(tag)
                continue
            }
            do {
                try decode(field, tag, &cursor, into: &message, depth: depth)
            } catch {
                throw error.within(field)
            }
        }
    }

    private mutating func decode(
        _ field: Field, _ tag: Tag, _ cursor: inout ByteCursor, into message: inout Message,
        depth: Int
    ) throws(ProtobufError) {
        if field.isMap {
            return try decodeMap(field, tag, &cursor, into: &message, depth: depth)
        }
        if field.isList {
            return try decodeList(field, tag, &cursor, into: &message, depth: depth)
        }
        if field.kind == .message, let there = try leave(field, &message, at: cursor) {
            return try merge(field, there, tag, &cursor, into: &message, depth: depth)
        }
        let value = try element(field, tag, &cursor, depth: depth)
        if case .null = value {
            _ = message.take(field.number)
        } else {
            message.set(field, value)
        }
    }

    /// Takes out what a field holds already, to add to it.
    private mutating func leave(_ field: Field, _ message: inout Message, at cursor: ByteCursor)
        throws(ProtobufError) -> Value?
    {
        guard let there = message.take(field.number) else { return nil }
        guard returnsLeft > 0 else { throw ProtobufError(.tooManyReturns, at: cursor.position) }
        returnsLeft -= 1
        return there
    }

    /// Reads the occurrences of a list that follow each other, and adds them to what is there.
    private mutating func decodeList(
        _ field: Field, _ first: Tag, _ cursor: inout ByteCursor, into message: inout Message,
        depth: Int
    ) throws(ProtobufError) {
        var list: [Value] = []
        if case .list(let there)? = try leave(field, &message, at: cursor) { list = there }
        var tag = first
        while true {
            if tag.wireType == WireType.lengthDelimited, field.kind.isNumber {
                var packed = cursor.subrange(try cursor.delimited())
                while !packed.isAtEnd { list.append(try number(field, &packed)) }
            } else {
                let value = try element(field, tag, &cursor, depth: depth)
                if case .null = value { list.append(field.zero) } else { list.append(value) }
            }
            let place = cursor.position
            guard !cursor.isAtEnd, case let next = try cursor.tag(), next.number == first.number
            else {
                cursor.position = place
                break
            }
            tag = next
        }
        message.set(field, .list(list))
    }

    /// Reads the entries of a map that follow each other, and adds them to what is there.
    private mutating func decodeMap(
        _ field: Field, _ first: Tag, _ cursor: inout ByteCursor, into message: inout Message,
        depth: Int
    ) throws(ProtobufError) {
        var map = ValueMap()
        if case .map(let there)? = try leave(field, &message, at: cursor) { map = there }
        var entries: [ValueMap.Entry] = []
        var tag = first
        while true {
            let range = try cursor.delimited(tag)
            entries.append(try entry(field, cursor.subrange(range), depth: depth + 1))
            let place = cursor.position
            guard !cursor.isAtEnd, case let next = try cursor.tag(), next.number == first.number
            else {
                cursor.position = place
                break
            }
            tag = next
        }
        map.add(entries)
        message.set(field, .map(map))
    }

    private mutating func entry(_ field: Field, _ bytes: ByteCursor, depth: Int)
        throws(ProtobufError) -> ValueMap.Entry
    {
        var cursor = bytes
        var key = ""
        var value: Value?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.number {
            case 1: key = try string(cursor, try cursor.delimited(tag))
            case 2: value = try element(field, tag, &cursor, depth: depth)
            default: try cursor.skip(tag)
            }
        }
        if case .null? = value { value = nil }
        return ValueMap.Entry(key: key, value: value ?? field.zero)
    }

    /// A message that is there already gets the fields of this occurrence.
    private mutating func merge(
        _ field: Field, _ there: Value, _ tag: Tag, _ cursor: inout ByteCursor,
        into message: inout Message, depth: Int
    ) throws(ProtobufError) {
        let part = cursor.subrange(try cursor.delimited(tag))
        guard case .message(var inner) = there else { return }
        try decode(part, into: &inner, depth: depth + 1)
        message.set(field, .message(inner))
    }
}

/// One value: an element of a list, a value of a map, or a field that is neither.
extension ProtobufDecoder {
    /// `.null` stands for a time that is not set.
    private mutating func element(
        _ field: Field, _ tag: Tag, _ cursor: inout ByteCursor, depth: Int
    ) throws(ProtobufError) -> Value {
        switch field.kind {
        case .bool, .int32, .int64:
            guard tag.wireType == WireType.varint else {
                throw ProtobufError(.wrongWireType(tag.wireType), at: cursor.position)
            }
            return try number(field, &cursor)
        case .double: return .double(Double(bitPattern: try cursor.fixed64(tag)))
        case .string: return .string(try string(cursor, try cursor.delimited(tag)))
        case .bytes: return .bytes(cursor.array(try cursor.delimited(tag)))
        case .message:
            guard let type = field.type else { preconditionFailure("a message has a type") }
            var message = Message(type)
            let range = try cursor.delimited(tag)
            try decode(cursor.subrange(range), into: &message, depth: depth + 1)
            return .message(message)
        case .quantity, .time, .microTime, .duration, .intOrString, .raw, .items:
            return try special(field.kind, cursor.subrange(try cursor.delimited(tag)))
        }
    }

    private func number(_ field: Field, _ cursor: inout ByteCursor) throws(ProtobufError)
        -> Value
    {
        switch field.kind {
        case .bool: .bool(try cursor.varint() != 0)
        case .int32: .int(Int64(Int32(truncatingIfNeeded: try cursor.varint())))
        case .double: .double(Double(bitPattern: try cursor.fixed64()))
        default: .int(Int64(bitPattern: try cursor.varint()))
        }
    }

    private func string(_ cursor: ByteCursor, _ range: Range<Int>) throws(ProtobufError)
        -> String
    {
        guard let string = cursor.string(range) else {
            throw ProtobufError(.invalidUTF8, at: range.lowerBound)
        }
        return string
    }

    private func special(_ kind: FieldKind, _ bytes: ByteCursor) throws(ProtobufError)
        -> Value
    {
        if kind == .items { return .list(try items(bytes)) }
        let fields = try SpecialFields(bytes, kind)
        switch kind {
        case .quantity:
            guard let range = fields.bytes, !range.isEmpty else { return .string("0") }
            return .string(try quantity(bytes, range))
        case .time, .microTime:
            if bytes.isAtEnd { return .null }
            let nanoseconds = kind == .time ? 0 : fields.second / 1000 * 1000
            guard Timestamp.secondsRange.contains(fields.first), 0..<1_000_000_000 ~= nanoseconds
            else { throw ProtobufError(.invalidTime, at: bytes.position) }
            return .timestamp(Timestamp(seconds: fields.first, nanoseconds: Int32(nanoseconds)))
        case .duration: return .string(GoDuration(nanoseconds: fields.first).text)
        case .intOrString: return try intOrString(fields, bytes)
        case .raw:
            guard let range = fields.bytes else { return .bytes([]) }
            guard JSONSyntax.isRaw(bytes.subrange(range)) else {
                throw ProtobufError(.invalidJSON, at: range.lowerBound)
            }
            return .bytes(bytes.array(range))
        default: preconditionFailure("\(kind) has a form of its own")
        }
    }

    private func items(_ bytes: ByteCursor) throws(ProtobufError) -> [Value] {
        var cursor = bytes
        var list: [Value] = []
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.number == 1 {
                list.append(.string(try string(cursor, try cursor.delimited(tag))))
            } else {
                try cursor.skip(tag)
            }
        }
        return list
    }

    private func quantity(_ bytes: ByteCursor, _ range: Range<Int>) throws(ProtobufError)
        -> String
    {
        do {
            return try unsafe Quantity(utf8: bytes.buffer(range)).text
        } catch {
            throw ProtobufError(.invalidQuantity, at: range.lowerBound)
        }
    }

    private func intOrString(_ fields: SpecialFields, _ bytes: ByteCursor)
        throws(ProtobufError) -> Value
    {
        switch fields.first {
        case 0: .int(Int64(Int32(truncatingIfNeeded: fields.second)))
        case 1: .string(try string(bytes, fields.bytes ?? bytes.end..<bytes.end))
        default: throw ProtobufError(.invalidIntOrString, at: bytes.position)
        }
    }
}

extension FieldKind {
    var isNumber: Bool { self == .bool || self == .int32 || self == .int64 || self == .double }
}

extension Field {
    /// What an element of a list or map is if nothing is said of it.
    var zero: Value {
        switch kind {
        case .string, .duration: .string("")
        case .bool: .bool(false)
        case .int32, .int64, .intOrString: .int(0)
        case .double: .double(0)
        case .bytes, .raw: .bytes([])
        case .message: type.map { .message(Message($0)) } ?? .null
        case .quantity: .string("0")
        case .time, .microTime: .null
        case .items: .list([])
        }
    }
}
