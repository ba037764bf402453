/// A place in bytes that somebody else keeps alive while it is used.
///
/// With its neighbors in this folder, the only code of this room that touches memory by
/// pointer: the codecs look at each byte of each request, and an array's ownership and a string's
/// validation at every step would cost more than the work. Every access is checked against the
/// bounds. A cursor must not outlive the `withCursor` that made it.
@safe struct ByteCursor {
    private let base: UnsafePointer<UInt8>
    /// Offset of the next byte, from the beginning of all bytes, also within a ``subrange(_:)``.
    var position: Int
    let end: Int

    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        let start = unsafe bytes.baseAddress ?? UnsafeRawPointer(FixedBytes.empty.start)
        unsafe base = start.assumingMemoryBound(to: UInt8.self)
        position = 0
        end = bytes.count
    }

    private init(_ other: ByteCursor, _ range: Range<Int>) {
        unsafe base = unsafe other.base
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }
    var remaining: Int { end - position }

    /// The next byte, or nil at the end.
    @inline(__always)
    var next: UInt8? { position < end ? unsafe base[position] : nil }

    @inline(__always)
    subscript(offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < end, "read past the end of bytes")
        return unsafe base[offset]
    }

    /// A cursor at the beginning of a part of these bytes.
    @inline(__always)
    func subrange(_ range: Range<Int>) -> ByteCursor {
        precondition(range.lowerBound >= 0 && range.upperBound <= end, "part is outside of bytes")
        return ByteCursor(self, range)
    }

    /// The bytes of a range, to be used at once.
    @inline(__always)
    func buffer(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        precondition(range.lowerBound >= 0 && range.upperBound <= end, "part is outside of bytes")
        return unsafe UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    func array(_ range: Range<Int>) -> [UInt8] { unsafe Array(buffer(range)) }

    /// The text of a range, or nil if it is not UTF-8.
    func string(_ range: Range<Int>) -> String? {
        isUTF8(range) ? repairedString(range) : nil
    }

    /// The text of a range, with U+FFFD in place of what is not UTF-8.
    func repairedString(_ range: Range<Int>) -> String {
        unsafe String(decoding: buffer(range), as: UTF8.self)
    }

    func contains(_ byte: UInt8, in range: Range<Int>) -> Bool {
        unsafe buffer(range).contains(byte)
    }

    func isUTF8(_ range: Range<Int>) -> Bool {
        let bytes = unsafe buffer(range)
        var index = 0
        while index < bytes.count {
            if index + 8 <= bytes.count, unsafe word(bytes, index) & 0x8080_8080_8080_8080 == 0 {
                index += 8
            } else if unsafe bytes[index] < 0x80 {
                index += 1
            } else {
                let length = utf8Length(at: range.lowerBound + index, end: range.upperBound)
                guard length > 0 else { return false }
                index += length
            }
        }
        return true
    }

    /// Bytes of the UTF-8 character at `index` that is not ASCII, or 0 if there is none.
    func utf8Length(at index: Int, end: Int) -> Int {
        let first = self[index]
        let length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
        guard length > 0, index + length <= end else { return 0 }
        for offset in 1..<length where self[index + offset] & 0xc0 != 0x80 { return 0 }
        let second = self[index + 1]
        switch first {
        case 0xe0: return second >= 0xa0 ? 3 : 0
        case 0xed: return second < 0xa0 ? 3 : 0
        case 0xf0: return second >= 0x90 ? 4 : 0
        case 0xf4: return second < 0x90 ? 4 : 0
        default: return length
        }
    }

    @inline(__always)
    private func word(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt64 {
        unsafe UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
    }

    /// The first offset from the position on with a quote, a backslash or a control character, or
    /// the end: where a JSON string's plain text ends.
    @inline(__always)
    func endOfText() -> Int {
        var index = position
        while index + 8 <= end {
            let word = unsafe UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
            if !JSONEscapes.areText(word) { break }
            index += 8
        }
        while index < end {
            let byte = unsafe base[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            index += 1
        }
        return index
    }

    @inline(__always)
    func equals(_ range: Range<Int>, _ bytes: FixedBytes) -> Bool {
        guard range.count == bytes.count else { return false }
        return unsafe memoryEquals(buffer(range).baseAddress!, bytes.start, bytes.count)
    }

    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        equals(range, FixedBytes(text))
    }

    /// The first offset from `start` on whose byte may need escaping in JSON, or `end`.
    @inline(__always)
    func endOfClean(from start: Int, to end: Int) -> Int {
        precondition(start >= 0 && end <= self.end, "part is outside of bytes")
        var index = start
        while index + 8 <= end {
            let word = unsafe UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
            if !JSONEscapes.areClean(word) { break }
            index += 8
        }
        while index < end, JSONEscapes.isClean(unsafe base[index]) { index += 1 }
        return index
    }

    /// Whether the bytes of a range come before those of another one.
    func precedes(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        let common = min(a.count, b.count)
        for index in 0..<common {
            let (x, y) = (self[a.lowerBound + index], self[b.lowerBound + index])
            if x != y { return x < y }
        }
        return a.count < b.count
    }
}

@inline(__always)
private func memoryEquals(
    _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int
) -> Bool {
    var index = 0
    while index + 8 <= count {
        let x = unsafe UnsafeRawPointer(a + index).loadUnaligned(as: UInt64.self)
        let y = unsafe UnsafeRawPointer(b + index).loadUnaligned(as: UInt64.self)
        if x != y { return false }
        index += 8
    }
    while index < count {
        if unsafe a[index] != b[index] { return false }
        index += 1
    }
    return true
}

extension RawSpan {
    /// Calls `body` with a cursor at the beginning of these bytes.
    func withCursor<Result: ~Copyable, Failure>(
        _ body: (ByteCursor) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeBytes { (bytes) throws(Failure) -> Result in
            try body(unsafe ByteCursor(bytes))
        }
    }
}

extension [UInt8] {
    /// Calls `body` with these bytes as a span.
    @inline(__always)
    public func withRawSpan<Result: ~Copyable, Failure>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe span.bytes)
    }

    func withCursor<Result: ~Copyable, Failure>(
        _ body: (ByteCursor) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withRawSpan { (span) throws(Failure) -> Result in try span.withCursor(body) }
    }
}

extension String {
    /// Calls `body` with a cursor at the beginning of the UTF-8 bytes.
    mutating func withCursor<Result>(_ body: (ByteCursor) -> Result) -> Result {
        withUTF8 { body(unsafe ByteCursor(UnsafeRawBufferPointer($0))) }
    }
}
