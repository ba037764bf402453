/// A place in bytes that somebody else keeps alive while it is used.
///
/// With ``ByteWriter`` and ``FixedBytes``, the only code of this room that touches memory by
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
    @inline(__always)
    func string(_ range: Range<Int>) -> String? {
        unsafe String(validating: buffer(range), as: UTF8.self)
    }

    /// The text of a range, with U+FFFD in place of what is not UTF-8.
    func repairedString(_ range: Range<Int>) -> String {
        unsafe String(decoding: buffer(range), as: UTF8.self)
    }

    func isUTF8(_ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound, self[index] < 0x80 { index += 1 }
        return index == range.upperBound || string(index..<range.upperBound) != nil
    }

    @inline(__always)
    func equals(_ range: Range<Int>, _ bytes: FixedBytes) -> Bool {
        guard range.count == bytes.count else { return false }
        return unsafe memoryEquals(buffer(range).baseAddress!, bytes.start, bytes.count)
    }

    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        equals(range, FixedBytes(text))
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
private func memoryEquals(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    for index in 0..<count where unsafe a[index] != b[index] { return false }
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

/// Bytes that are made once and stay until the process ends, such as the name of a field.
@safe struct FixedBytes: @unchecked Sendable {
    fileprivate let start: UnsafePointer<UInt8>
    let count: Int

    static let empty = FixedBytes("")

    init(_ text: StaticString) {
        unsafe start = text.utf8Start
        count = text.utf8CodeUnitCount
    }

    /// A copy of `text` that is never freed: for the schema, whose types are never freed either.
    init(immortal text: String) {
        let bytes = Array(text.utf8)
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
        for (index, byte) in bytes.enumerated() { unsafe copy[index] = byte }
        unsafe start = UnsafePointer(copy)
        count = bytes.count
    }

    subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "read past the end of bytes")
        return unsafe start[index]
    }

    fileprivate var buffer: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: start, count: count)
    }
}

/// Bytes that are being written, one after the other.
@safe public struct ByteWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written so far.
    public private(set) var count = 0

    public init(capacity: Int = 1024) {
        self.capacity = max(64, capacity)
        unsafe base = .allocate(capacity: self.capacity)
    }

    deinit { unsafe base.deallocate() }

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() { count = 0 }

    /// Forgets everything after the first `count` bytes.
    mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        self.count = count
    }

    /// Calls `body` with what was written.
    public borrowing func withBytes<Result, Failure>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count))
    }

    /// A copy of what was written.
    public borrowing func array() -> [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: base, count: count))
    }

    /// Makes room for `extra` bytes more.
    @inline(__always)
    public mutating func reserve(_ extra: Int) {
        if capacity - count < extra { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        let wider = max(capacity * 2, count + extra)
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: wider)
        unsafe copy.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = copy
        capacity = wider
    }

    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe base[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        unsafe (base + count).update(from: start, count: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func append(_ bytes: FixedBytes) { unsafe append(bytes.buffer) }

    @inline(__always)
    mutating func append(_ cursor: ByteCursor, _ range: Range<Int>) {
        unsafe append(cursor.buffer(range))
    }

    public mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append($0.assumingMemoryBound(to: UInt8.self)) }
    }

    public mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    public mutating func append(_ text: StaticString) { append(FixedBytes(text)) }

    @inline(__always)
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe append($0) }
    }

    /// Overwrites one byte that was written.
    mutating func set(_ byte: UInt8, at offset: Int) {
        precondition(offset >= 0 && offset < count, "write outside of what was written")
        unsafe base[offset] = byte
    }

    /// Moves everything from `offset` on by `distance` bytes towards the end.
    mutating func shift(from offset: Int, by distance: Int) {
        precondition(offset >= 0 && offset <= count && distance >= 0)
        reserve(distance)
        let start = unsafe base + offset
        unsafe (start + distance).update(from: start, count: count - offset)
        count += distance
    }

    /// The last byte, or nil if there is none.
    var last: UInt8? { count == 0 ? nil : unsafe base[count - 1] }
}
