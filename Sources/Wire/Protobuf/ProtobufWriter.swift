/// Protobuf's primitives.
extension ByteWriter {
    @inline(__always)
    mutating func appendVarint(_ value: UInt64) {
        if value < 0x80 { return append(UInt8(truncatingIfNeeded: value)) }
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func appendTag(_ number: Int, _ wireType: UInt8) {
        appendVarint(UInt64(number) << 3 | UInt64(wireType))
    }

    public mutating func appendField(_ number: Int, varint value: UInt64) {
        appendTag(number, WireType.varint)
        appendVarint(value)
    }

    public mutating func appendField(_ number: Int, _ text: String) {
        appendTag(number, WireType.lengthDelimited)
        appendVarint(UInt64(text.utf8.count))
        append(text)
    }

    mutating func appendField(_ number: Int, _ bytes: [UInt8]) {
        appendTag(number, WireType.lengthDelimited)
        appendVarint(UInt64(bytes.count))
        append(bytes)
    }

    mutating func appendField(_ number: Int, _ bytes: RawSpan) {
        appendTag(number, WireType.lengthDelimited)
        appendVarint(UInt64(bytes.byteCount))
        append(bytes)
    }

    /// Begins a field that is written in place; ``endField(_:)`` with the result puts its length
    /// before it.
    ///
    /// One byte is kept for the length; longer fields are moved by the difference, which measured
    /// cheaper than counting every size beforehand.
    public mutating func beginField(_ number: Int) -> Int {
        appendTag(number, WireType.lengthDelimited)
        append(0)
        return count
    }

    /// Ends a field; `start` is what ``beginField(_:)`` returned for it.
    public mutating func endField(_ start: Int) {
        var length = count - start
        let extra = varintSize(UInt64(length)) - 1
        if extra > 0 { shift(from: start, by: extra) }
        for offset in (start - 1)..<(start + extra - 1) {
            set(UInt8(truncatingIfNeeded: length) | 0x80, at: offset)
            length >>= 7
        }
        set(UInt8(truncatingIfNeeded: length), at: start + extra - 1)
    }
}

/// Bytes of a varint.
func varintSize(_ value: UInt64) -> Int {
    (70 - (value | 1).leadingZeroBitCount) / 7
}
