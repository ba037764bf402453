/// Bytes that are being written, one after the other.
@safe public struct ByteWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written so far.
    public private(set) var count = 0
    /// An object that stands in a raw field of another one is being written.
    var isWithinEnvelope = false

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
