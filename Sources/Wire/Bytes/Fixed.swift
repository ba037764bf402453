/// Bytes that are made once and stay until the process ends, such as the name of a field.
@safe struct FixedBytes: @unchecked Sendable {
    let start: UnsafePointer<UInt8>
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

    var text: String { unsafe String(decoding: buffer, as: UTF8.self) }

    var buffer: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: start, count: count)
    }
}

/// References that are set once, before anybody reads them, and stay until the process ends.
///
/// Reading a variable of a class costs a check for exclusive access, and an array of references an
/// array's retain as well; both showed in every decoder.
@safe struct FixedReferences<Object: AnyObject & Sendable>: @unchecked Sendable {
    private let start: UnsafeMutablePointer<Unmanaged<Object>?>
    let count: Int

    init(count: Int) {
        self.count = count
        unsafe start = .allocate(capacity: max(1, count))
        for index in 0..<count { unsafe start[index] = nil }
    }

    func set(_ object: Object, at index: Int) {
        precondition(index >= 0 && index < count, "set outside of a table")
        unsafe start[index] = Unmanaged.passRetained(object)
    }

    /// Nil if there is none, or no such place.
    @inline(__always)
    subscript(index: Int) -> Object? {
        guard index >= 0, index < count else { return nil }
        return unsafe start[index]?.takeUnretainedValue()
    }
}

/// Rows that are made once and stay until the process ends: the schema as the transcoder walks it.
///
/// Reading a row of an array of a class costs a retain and a release; reading one of these, a load.
@safe struct FixedTable<Row: BitwiseCopyable>: @unchecked Sendable {
    private let start: UnsafePointer<Row>
    let count: Int

    init(immortal rows: [Row]) {
        let copy = UnsafeMutablePointer<Row>.allocate(capacity: max(1, rows.count))
        unsafe rows.withUnsafeBufferPointer {
            if let base = $0.baseAddress { unsafe copy.initialize(from: base, count: rows.count) }
        }
        unsafe start = UnsafePointer(copy)
        count = rows.count
    }

    @inline(__always)
    subscript(index: Int) -> Row {
        precondition(index >= 0 && index < count, "read past the end of a table")
        return unsafe start[index]
    }
}
