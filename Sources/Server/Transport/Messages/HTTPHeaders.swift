/// Header fields in order, with names in lower case, in one block of bytes.
///
/// Two allocations hold any number of fields. Values carry no line breaks: control characters
/// become spaces when a field is added, so a field can never start another one.
public struct HTTPHeaders: Sendable {
    /// Where a field lies in `bytes`: the name, and the value right behind it.
    struct Field: Sendable {
        var start: UInt32
        var nameCount: UInt32
        var valueCount: UInt32
    }

    private(set) var bytes: [UInt8] = []
    private(set) var fields: [Field] = []

    public init() {}

    /// The number of fields.
    public var count: Int { fields.count }

    /// Bytes of all names and values together.
    public var bytesTotal: Int { bytes.count }

    /// Makes room for `fieldCount` fields of `bytesTotal` bytes of names and values.
    public mutating func reserve(fieldCount: Int, bytesTotal: Int) {
        fields.reserveCapacity(fieldCount)
        bytes.reserveCapacity(bytesTotal)
    }

    /// Appends a field. Fields of the same name stay in order beside each other.
    public mutating func add(_ name: String, _ value: String) {
        var (name, value) = (name, value)
        // Literals and nearly all other strings are UTF-8 already, so that this copies nothing.
        name.withUTF8 { name in
            value.withUTF8 { unsafe append(name: name.span, value: $0.span) }
        }
    }

    /// Replaces every field of this name by one.
    public mutating func set(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    /// Removes every field of this name.
    public mutating func remove(_ name: String) {
        fields = fields.filter { !matches($0, name) }
    }

    /// The value of the first field of this name. Case of the name is ignored.
    ///
    /// - Complexity: O(*n*) in fields; allocates only for a value of more than 15 bytes.
    public subscript(name: String) -> String? {
        guard let field = fields.first(where: { matches($0, name) }) else { return nil }
        return value(of: field)
    }

    /// The values of all fields of this name, in order.
    public func values(_ name: String) -> [String] {
        fields.filter { matches($0, name) }.map { value(of: $0) }
    }

    /// Whether a field of this name is there.
    public func contains(_ name: String) -> Bool {
        fields.contains { matches($0, name) }
    }

    /// Whether one of the comma-separated elements of the fields called `name` is `token`.
    public func hasToken(_ name: String, _ token: String) -> Bool {
        values(name).contains { value in
            value.utf8.split(separator: UInt8(ascii: ",")).contains { element in
                equalsIgnoringCase(trimmed(element), token.utf8)
            }
        }
    }

    // MARK: Bytes

    mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        let start = bytes.count
        for index in name.indices { bytes.append(lowercased(name[index])) }
        for index in value.indices {
            bytes.append(isFieldByte(value[index]) ? value[index] : UInt8(ascii: " "))
        }
        fields.append(Field(start: UInt32(truncatingIfNeeded: start),
                            nameCount: UInt32(truncatingIfNeeded: name.count),
                            valueCount: UInt32(truncatingIfNeeded: value.count)))
    }

    func nameBytes(_ field: Field) -> ArraySlice<UInt8> {
        bytes[Int(field.start)..<Int(field.start + field.nameCount)]
    }

    func valueBytes(_ field: Field) -> ArraySlice<UInt8> {
        let start = Int(field.start + field.nameCount)
        return bytes[start..<start + Int(field.valueCount)]
    }

    func value(of field: Field) -> String {
        String(decoding: valueBytes(field), as: UTF8.self)
    }

    private func matches(_ field: Field, _ name: String) -> Bool {
        guard Int(field.nameCount) == name.utf8.count else { return false }
        var index = Int(field.start)
        for byte in name.utf8 {
            guard bytes[index] == lowercased(byte) else { return false }
            index += 1
        }
        return true
    }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}

extension HTTPHeaders: Sequence {
    /// The fields in order.
    public func makeIterator() -> AnyIterator<(name: String, value: String)> {
        var index = 0
        return AnyIterator {
            guard index < fields.count else { return nil }
            defer { index += 1 }
            let field = fields[index]
            return (String(decoding: nameBytes(field), as: UTF8.self), value(of: field))
        }
    }
}

@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 65 < 26 ? byte | 0x20 : byte
}

/// Whether `byte` may stand in a field's value: visible characters, space, tab and bytes over 127.
@inline(__always)
func isFieldByte(_ byte: UInt8) -> Bool {
    byte >= 0x20 ? byte != 0x7f : byte == 0x09
}

/// `bytes` without spaces and tabs at both ends.
func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
    var rest = bytes[...]
    while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
    while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
    return rest
}

func equalsIgnoringCase(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { lowercased($0) == lowercased($1) }
}
