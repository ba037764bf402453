/// The fields of the little messages that JSON writes as one value.
struct SpecialFields {
    /// Field 1 as a number: seconds, a duration, or the sort of int-or-string.
    var first: Int64 = 0
    /// Field 2 as a number: nanoseconds or an int.
    var second: Int64 = 0
    /// The only field of bytes.
    var bytes: Range<Int>?

    init(_ message: ByteCursor, _ kind: FieldKind) throws(ProtobufError) {
        var cursor = message
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch (kind, tag.number) {
            case (.quantity, 1), (.raw, 1), (.intOrString, 3): bytes = try cursor.delimited(tag)
            case (.time, 1), (.microTime, 1), (.duration, 1), (.intOrString, 1):
                first = Int64(bitPattern: try cursor.varint(tag))
            case (.time, 2), (.microTime, 2), (.intOrString, 2):
                second = Int64(bitPattern: try cursor.varint(tag))
            default: try cursor.skip(tag)
            }
        }
    }
}
