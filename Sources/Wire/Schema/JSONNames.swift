/// Finds a message's fields by the bytes of their JSON names, without making a string.
struct JSONNames: Sendable {
    struct Entry: Sendable {
        let name: FixedBytes
        /// The inlined message that has the field, if it is not the message itself.
        let via: Field?
        /// Nil for apiVersion and kind, which a kind has beside its fields.
        let field: Field?
    }

    /// Names that a message may have, inlined ones included: the size of ``NameSet``.
    static let namesMax = 128

    let entries: [Entry]
    private let slots: [UInt8]
    private let mask: Int

    init(of type: MessageType) {
        let entries = JSONNames.collect(type)
        precondition(entries.count < JSONNames.namesMax, "\(type.name) has too many fields")
        self.entries = entries
        var size = 8
        while size < entries.count * 3 { size *= 2 }
        mask = size - 1
        var slots = [UInt8](repeating: .max, count: size)
        for (index, entry) in entries.enumerated() {
            let name = entry.name
            var slot = JSONNames.hash(name.count) { name[$0] } & mask
            while slots[slot] != .max { slot = (slot + 1) & mask }
            slots[slot] = UInt8(index)
        }
        self.slots = slots
    }

    private static func collect(_ type: MessageType) -> [Entry] {
        var entries: [Entry] = []
        if type.isKind {
            entries = [FixedBytes("kind"), FixedBytes("apiVersion")].map {
                Entry(name: $0, via: nil, field: nil)
            }
        }
        for field in type.fields {
            guard field.isInline, let inner = field.type else {
                entries.append(Entry(name: field.nameBytes, via: nil, field: field))
                continue
            }
            entries += collect(inner).map { Entry(name: $0.name, via: field, field: $0.field) }
        }
        return entries
    }

    /// The index in ``entries`` of the name that stands in a range, or nil.
    func find(_ cursor: ByteCursor, _ range: Range<Int>) -> Int? {
        guard !range.isEmpty else { return nil }
        let start = range.lowerBound
        var slot = JSONNames.hash(range.count) { cursor[start + $0] } & mask
        while slots[slot] != .max {
            let index = Int(slots[slot])
            if cursor.equals(range, entries[index].name) { return index }
            slot = (slot + 1) & mask
        }
        return nil
    }

    @inline(__always)
    private static func hash(_ count: Int, _ byte: (Int) -> UInt8) -> Int {
        guard count > 0 else { return 0 }
        let first = Int(byte(0)) << 3
        let middle = Int(byte(count / 2)) << 5
        return count ^ first ^ middle ^ Int(byte(count - 1)) << 1 ^ Int(byte(count / 3))
    }
}

/// A set of indices below ``JSONNames/namesMax``.
struct NameSet {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// False if `index` was in it already.
    mutating func insert(_ index: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(index & 63)
        let before = index < 64 ? low : high
        if index < 64 { low |= bit } else { high |= bit }
        return before & bit == 0
    }
}
