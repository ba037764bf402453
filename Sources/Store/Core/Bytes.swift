// Reading and writing integers in bytes: little-endian, at any alignment. The span's own
// operations check bounds and trap; callers check lengths first, since bytes come from a disk.

extension RawSpan {
    @inline(__always)
    package func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: Value.Type
    ) -> Value {
        // Any bit pattern is a valid integer, so the load can produce no invalid value.
        Value(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    package func byte(at offset: Int) -> UInt8 { integer(at: offset, as: UInt8.self) }

    /// A number that is another one, most likely, for other bytes. Nothing that lasts may depend on
    /// it; members compare sums of it, and say by which scheme they were made (`StateNote`).
    package var digest: UInt64 {
        var hash = UInt64(byteCount)
        var offset = 0
        while offset + 8 <= byteCount {
            hash = Self.mixed(hash, integer(at: offset, as: UInt64.self))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < byteCount {
            rest = rest << 8 | UInt64(integer(at: offset, as: UInt8.self))
            offset += 1
        }
        return Self.mixed(hash, rest)
    }

    @inline(__always)
    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    @inline(__always)
    @_lifetime(copy self)
    func slice(_ offset: Int, _ count: Int) -> RawSpan {
        extracting(offset..<offset + count)
    }
}

extension [UInt8] {
    /// The elements as raw bytes.
    @inlinable
    package var raw: RawSpan {
        // A byte has no padding, which is all that makes `bytes` unsafe.
        @_lifetime(borrow self)
        get { unsafe span.bytes }
    }

    mutating func append(integer value: some FixedWidthInteger) {
        var rest = value.littleEndian
        for _ in 0..<(type(of: value).bitWidth / 8) {
            append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Several integers at once, which takes little longer than one.
    mutating func append<let count: Int>(integers: InlineArray<count, UInt64>) {
        var integers = integers
        for place in integers.indices { integers[place] = integers[place].littleEndian }
        // They are read while they are borrowed, and no pointer to them is kept.
        unsafe Swift.withUnsafeBytes(of: integers) { unsafe append(contentsOf: $0) }
    }

    mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at offset: Int
    ) {
        var span = mutableSpan
        // Any byte is a valid UInt8, so nothing invalid can be stored.
        var bytes = unsafe span.mutableBytes
        bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }

    mutating func append(bytes: RawSpan) {
        // The buffer is read while the span is borrowed, and no pointer to it is kept.
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// Whether all bytes are the same. An array is compared one element at a time.
    package func isEqual(to other: [UInt8]) -> Bool { count == other.count && holds(other, at: 0) }

    /// Whether other bytes stand at `offset`, as far as there are any.
    package func holds(_ bytes: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, bytes.count <= count - offset else { return false }
        return orderOfBytes(raw.slice(offset, bytes.count), bytes.raw) == 0
    }

    package init(_ bytes: RawSpan) {
        self.init()
        reserveCapacity(bytes.byteCount)
        append(bytes: bytes)
    }
}

/// Compares bytewise, as unsigned numbers; a proper prefix comes first. Negative, zero or positive.
@inline(__always)
func orderOfBytes(_ left: RawSpan, _ right: RawSpan) -> Int {
    let common = min(left.byteCount, right.byteCount)
    var offset = 0
    while offset + 8 <= common {
        let a = left.integer(at: offset, as: UInt64.self)
        let b = right.integer(at: offset, as: UInt64.self)
        if a != b { return a.byteSwapped < b.byteSwapped ? -1 : 1 }
        offset += 8
    }
    while offset < common {
        let a = left.integer(at: offset, as: UInt8.self)
        let b = right.integer(at: offset, as: UInt8.self)
        if a != b { return Int(a) - Int(b) }
        offset += 1
    }
    return left.byteCount - right.byteCount
}

@inline(__always)
func roundedUp(_ count: Int, to alignment: Int) -> Int {
    (count + alignment - 1) & ~(alignment - 1)
}
