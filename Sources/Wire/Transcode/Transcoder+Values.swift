/// Lists, maps and what is in them.
extension Transcoder {
    mutating func list(
        _ bytes: ByteCursor, _ note: Note, _ field: TranscodePlan.Field, _ depth: Int,
        _ writer: inout ByteWriter
    ) throws(ProtobufError) {
        var cursor = bytes.subrange(note.first..<bytes.end)
        var separator = UInt8(ascii: "[")
        while cursor.position <= note.last, !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag.number == Int(field.number) else {
                try cursor.skip(tag)
                continue
            }
            if tag.wireType == WireType.lengthDelimited, field.kind.isNumber {
                var packed = cursor.subrange(try cursor.delimited())
                if packed.isAtEnd { isCanonical = false }
                while !packed.isAtEnd {
                    writer.append(separator)
                    separator = UInt8(ascii: ",")
                    try number(&packed, field, &writer)
                }
            } else {
                writer.append(separator)
                separator = UInt8(ascii: ",")
                try element(&cursor, tag, field, depth, .no, &writer)
            }
        }
        writer.append(UInt8(ascii: "]"))
    }

    mutating func map(
        _ bytes: ByteCursor, _ note: Note, _ field: TranscodePlan.Field, _ depth: Int,
        _ writer: inout ByteWriter
    ) throws(ProtobufError) {
        var cursor = bytes.subrange(note.first..<bytes.end)
        var separator = UInt8(ascii: "{")
        var before: Range<Int>?
        while cursor.position <= note.last, !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag.number == Int(field.number) else {
                try cursor.skip(tag)
                continue
            }
            writer.append(separator)
            separator = UInt8(ascii: ",")
            let entry = cursor.subrange(try cursor.delimited(tag))
            let key = try self.entry(entry, field, depth, &writer)
            if let before, !cursor.precedes(before, key) { isCanonical = false }
            before = key
        }
        writer.append(UInt8(ascii: "}"))
    }

    /// Writes an entry of a map, in which key and value come in this order, and returns its key.
    private mutating func entry(
        _ bytes: ByteCursor, _ field: TranscodePlan.Field, _ depth: Int, _ writer: inout ByteWriter
    ) throws(ProtobufError) -> Range<Int> {
        var cursor = bytes
        guard !cursor.isAtEnd, case let tag = try cursor.tag(), tag.number == 1 else {
            isCanonical = false
            return bytes.position..<bytes.position
        }
        let key = try cursor.delimited(tag)
        writer.appendJSON(cursor, key)
        writer.append(UInt8(ascii: ":"))
        guard !cursor.isAtEnd, case let tag = try cursor.tag(), tag.number == 2 else {
            isCanonical = false
            return key
        }
        try element(&cursor, tag, field, depth, .no, &writer)
        if !cursor.isAtEnd { isCanonical = false }
        return key
    }

    @inline(__always)
    mutating func element(
        _ cursor: inout ByteCursor, _ tag: Tag, _ field: TranscodePlan.Field, _ depth: Int,
        _ version: Versioned, _ writer: inout ByteWriter
    ) throws(ProtobufError) {
        switch field.kind {
        case .string: writer.appendJSON(cursor, try cursor.delimited(tag))
        case .bool, .int32, .int64:
            guard tag.wireType == WireType.varint else {
                throw ProtobufError(.wrongWireType(tag.wireType), at: cursor.position)
            }
            try number(&cursor, field, &writer)
        case .double: writer.append(json: Double(bitPattern: try cursor.fixed64(tag)))
        case .bytes: writer.appendBase64(cursor, try cursor.delimited(tag))
        case .message:
            let part = cursor.subrange(try cursor.delimited(tag))
            try message(part, field, depth, version, &writer)
        case .quantity, .time, .microTime, .duration, .intOrString, .raw, .items:
            let part = cursor.subrange(try cursor.delimited(tag))
            try special(part, field.kind, &writer)
        }
    }

    mutating func message(
        _ bytes: ByteCursor, _ field: TranscodePlan.Field, _ depth: Int, _ version: Versioned,
        _ writer: inout ByteWriter
    ) throws(ProtobufError) {
        let message = plan.messages[Int(field.message)]
        guard message.form == .fields else {
            isCanonical = false // a JSON schema in one of two forms: rare enough for the tree
            return
        }
        var isFirst = !field.saysKind
        if isFirst { writer.append(UInt8(ascii: "{")) } else { writer.append(message.opening) }
        try fields(bytes, message, depth + 1, version, &isFirst, &writer)
        writer.append(UInt8(ascii: "}"))
    }

    private func number(
        _ cursor: inout ByteCursor, _ field: TranscodePlan.Field, _ writer: inout ByteWriter
    ) throws(ProtobufError) {
        switch field.kind {
        case .bool: writer.append(json: try cursor.varint() != 0)
        case .int32: writer.append(decimal: Int64(Int32(truncatingIfNeeded: try cursor.varint())))
        case .double: writer.append(json: Double(bitPattern: try cursor.fixed64()))
        default: writer.append(decimal: Int64(bitPattern: try cursor.varint()))
        }
    }
}

/// The little messages that JSON writes as one value.
extension Transcoder {
    private mutating func special(
        _ bytes: ByteCursor, _ kind: FieldKind, _ writer: inout ByteWriter
    ) throws(ProtobufError) {
        if kind == .items { return try items(bytes, &writer) }
        let fields = try SpecialFields(bytes, kind)
        switch kind {
        case .quantity:
            guard let text = fields.bytes, !text.isEmpty else { return writer.append("\"0\"") }
            writer.appendJSON(bytes, text)
        case .time, .microTime:
            if bytes.isAtEnd { return writer.append("null") }
            let nanoseconds = Int32(truncatingIfNeeded: fields.second)
            let time = Timestamp(seconds: fields.first, nanoseconds: max(0, nanoseconds))
            writer.append(json: time, micro: kind == .microTime)
        case .duration: writer.appendJSON(GoDuration(nanoseconds: fields.first).text)
        case .intOrString where fields.first == 0:
            writer.append(decimal: Int64(Int32(truncatingIfNeeded: fields.second)))
        case .intOrString:
            writer.appendJSON(bytes, fields.bytes ?? bytes.end..<bytes.end)
        default: writer.appendRaw(bytes, fields.bytes ?? bytes.end..<bytes.end)
        }
    }

    private func items(_ bytes: ByteCursor, _ writer: inout ByteWriter) throws(ProtobufError) {
        var cursor = bytes
        var separator = UInt8(ascii: "[")
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag.number == 1 else {
                try cursor.skip(tag)
                continue
            }
            writer.append(separator)
            separator = UInt8(ascii: ",")
            writer.appendJSON(cursor, try cursor.delimited(tag))
        }
        if separator == UInt8(ascii: "[") { writer.append(separator) }
        writer.append(UInt8(ascii: "]"))
    }
}
