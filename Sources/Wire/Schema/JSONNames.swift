/// Finds a message's fields by the bytes of their JSON names, without making a string.
final class JSONNames: Sendable {
    struct Entry: BitwiseCopyable {
        let name: FixedBytes
        /// The number of the inlined message that has the field; 0 if it is the message itself.
        let via: Int
        /// 0 for apiVersion and kind, which a kind has beside its fields.
        let number: Int
    }

    /// Names that a message may have, inlined ones included: the size of ``NameSet``.
    static let namesMax = 128

    let entries: FixedTable<Entry>
    private let slots: FixedTable<UInt8>
    private let mask: Int

    init(of type: MessageType) {
        let entries = JSONNames.collect(type)
        precondition(entries.count < JSONNames.namesMax, "\(type.name) has too many fields")
        self.entries = FixedTable(immortal: entries)
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
        self.slots = FixedTable(immortal: slots)
    }

    private static func collect(_ type: MessageType) -> [Entry] {
        var entries: [Entry] = []
        if type.isKind {
            entries = [FixedBytes("kind"), FixedBytes("apiVersion")].map {
                Entry(name: $0, via: 0, number: 0)
            }
        }
        for field in type.fields {
            guard field.isInline, let inner = field.type else {
                entries.append(Entry(name: field.nameBytes, via: 0, number: field.number))
                continue
            }
            entries += collect(inner).map {
                Entry(name: $0.name, via: field.number, number: $0.number)
            }
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
