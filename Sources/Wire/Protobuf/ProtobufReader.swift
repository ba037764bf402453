/// Protobuf's wire types.
enum WireType {
    static let varint: UInt8 = 0
    static let fixed64: UInt8 = 1
    static let lengthDelimited: UInt8 = 2
    static let startGroup: UInt8 = 3
    static let endGroup: UInt8 = 4
    static let fixed32: UInt8 = 5
}

/// The beginning of a field on the wire.
struct Tag: Equatable {
    let number: Int
    let wireType: UInt8
}

/// Protobuf's primitives. All move the cursor past what they read.
extension ByteCursor {
    @inline(__always)
    mutating func varint() throws(ProtobufError) -> UInt64 {
        if let byte = next, byte < 0x80 {
            position += 1
            return UInt64(byte)
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(ProtobufError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = next {
            if shift == 63, byte > 1 { throw ProtobufError(.overlongVarint, at: start) }
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw ProtobufError(.truncated, at: start)
    }

    @inline(__always)
    mutating func tag() throws(ProtobufError) -> Tag {
        let start = position
        let key = try varint()
        let number = key >> 3
        guard number > 0, number < 1 << 29 else {
            throw ProtobufError(.invalidFieldNumber, at: start)
        }
        return Tag(number: Int(number), wireType: UInt8(key & 7))
    }

    /// The range of the bytes that follow their length.
    @inline(__always)
    mutating func delimited() throws(ProtobufError) -> Range<Int> {
        let start = position
        let length = try varint()
        guard length <= UInt64(remaining) else { throw ProtobufError(.truncated, at: start) }
        let range = position..<position + Int(length)
        position = range.upperBound
        return range
    }

    /// The range of a length-delimited field whose tag was just read.
    @inline(__always)
    mutating func delimited(_ tag: Tag) throws(ProtobufError) -> Range<Int> {
        guard tag.wireType == WireType.lengthDelimited else {
            throw ProtobufError(.wrongWireType(tag.wireType), at: position)
        }
        return try delimited()
    }

    /// The value of a varint field whose tag was just read.
    @inline(__always)
    mutating func varint(_ tag: Tag) throws(ProtobufError) -> UInt64 {
        guard tag.wireType == WireType.varint else {
            throw ProtobufError(.wrongWireType(tag.wireType), at: position)
        }
        return try varint()
    }

    mutating func fixed64(_ tag: Tag) throws(ProtobufError) -> UInt64 {
        guard tag.wireType == WireType.fixed64 else {
            throw ProtobufError(.wrongWireType(tag.wireType), at: position)
        }
        return try fixed64()
    }

    mutating func fixed64() throws(ProtobufError) -> UInt64 {
        guard remaining >= 8 else { throw ProtobufError(.truncated, at: position) }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(self[position + index]) << UInt64(8 * index) }
        position += 8
        return value
    }

    /// Moves past the value of a field that nobody asked for.
    mutating func skip(_ tag: Tag, depth: Int = 0) throws(ProtobufError) {
        switch tag.wireType {
        case WireType.varint: _ = try varint()
        case WireType.fixed64: try skip(bytes: 8)
        case WireType.lengthDelimited: _ = try delimited()
        case WireType.fixed32: try skip(bytes: 4)
        case WireType.startGroup: try skipGroup(tag.number, depth: depth)
        default: throw ProtobufError(.wrongWireType(tag.wireType), at: position)
        }
    }

    private mutating func skip(bytes: Int) throws(ProtobufError) {
        guard remaining >= bytes else { throw ProtobufError(.truncated, at: position) }
        position += bytes
    }

    private mutating func skipGroup(_ number: Int, depth: Int) throws(ProtobufError) {
        guard depth < Bounds.depthMax else { throw ProtobufError(.tooDeep, at: position) }
        while true {
            let tag = try tag()
            if tag.wireType == WireType.endGroup {
                guard tag.number == number else {
                    throw ProtobufError(.wrongWireType(tag.wireType), at: position)
                }
                return
            }
            try skip(tag, depth: depth + 1)
        }
    }
}
