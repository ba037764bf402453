internal import StoreCore

// Protobuf's wire format, as far as messages between members need it.

extension [UInt8] {
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(field: UInt64, varint value: UInt64) {
        guard value != 0 else { return }
        append(varint: field << 3)
        append(varint: value)
    }

    mutating func append(field: UInt64, fixed value: UInt64) {
        guard value != 0 else { return }
        append(varint: field << 3 | 1)
        for shift in stride(from: 0, to: 64, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    /// Nothing if there are none.
    mutating func append(field: UInt64, bytes: [UInt8]) {
        if !bytes.isEmpty { append(field: field, message: bytes) }
    }

    /// Though it be empty.
    mutating func append(field: UInt64, message: [UInt8]) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(message.count))
        self += message
    }
}

/// Reads protobuf's wire format within bounds.
struct FieldReader: ~Escapable {
    private let source: RawSpan
    private var offset: Int
    private var end: Int

    @_lifetime(copy source)
    init(_ source: RawSpan, in range: Range<Int>) {
        self.source = source
        (offset, end) = (range.lowerBound, range.upperBound)
    }

    var failure: PeerFrameError { PeerFrameError(offset: offset) }

    /// The next field's number and wire type; nil at the end.
    mutating func nextTag() throws(PeerFrameError) -> UInt64? {
        offset < end ? try varint() : nil
    }

    mutating func varint() throws(PeerFrameError) -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while offset < end, shift < 64 {
            let byte = source.byte(at: offset)
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw failure
    }

    mutating func fixed() throws(PeerFrameError) -> UInt64 {
        guard end - offset >= 8 else { throw failure }
        defer { offset += 8 }
        return source.integer(at: offset, as: UInt64.self)
    }

    private mutating func count() throws(PeerFrameError) -> Int {
        let count = try varint()
        guard count <= UInt64(end - offset) else { throw failure }
        return Int(count)
    }

    mutating func bytes() throws(PeerFrameError) -> [UInt8] {
        let count = try count()
        defer { offset += count }
        return [UInt8](source.extracting(offset..<offset + count))
    }

    /// Goes into a message; `leave` goes on behind it.
    mutating func enter() throws(PeerFrameError) -> Int {
        let (count, outer) = (try count(), end)
        end = offset + count
        return outer
    }

    mutating func leave(to outer: Int) { (offset, end) = (end, outer) }

    mutating func skip(_ tag: UInt64) throws(PeerFrameError) {
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: _ = try fixed()
        case 2: offset += try count()
        case 5 where end - offset >= 4: offset += 4
        default: throw failure
        }
    }
}
