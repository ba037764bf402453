package import Raft

/// Where the newest entries lie in this member's log: those that it can still send to others, or has
/// not applied yet. 16 bytes an entry.
package struct EntryTable: Sendable {
    private struct Slot: Sendable {
        var place: Place
        var payloadBytes: UInt32
        var kind: RecordKind
    }

    /// The index before the first entry here.
    package private(set) var base: LogIndex
    private var slots: [Slot] = []
    /// Slots at the beginning of the array that are gone.
    private var gone = 0

    package init(base: LogIndex) { self.base = base }

    package var count: Int { slots.count - gone }
    package var last: LogIndex { LogIndex(base.number + UInt64(count)) }

    /// The entry at `index`; nil if it is not here. Its term is known elsewhere.
    package subscript(index: LogIndex) -> (place: Place, payloadBytes: Int, kind: RecordKind)? {
        guard index > base, index <= last else { return nil }
        let slot = slots[gone + Int(index.number - base.number) - 1]
        return (slot.place, Int(slot.payloadBytes), slot.kind)
    }

    /// Adds the entry after the last one.
    package mutating func append(_ entry: PlacedEntry) {
        precondition(entry.index == last.next, "entries come in order")
        slots.append(
            Slot(
                place: entry.place, payloadBytes: UInt32(entry.payloadBytes), kind: entry.kind))
    }

    /// Forgets the entries from `index` on, and returns their places, oldest first.
    package mutating func truncate(from index: LogIndex) -> [Place] {
        precondition(index > base, "what is compacted cannot become void")
        guard index <= last else { return [] }
        let first = gone + Int(index.number - base.number) - 1
        defer { slots.removeSubrange(first...) }
        return slots[first...].map(\.place)
    }

    /// Forgets the entries up to `index`.
    package mutating func compact(to index: LogIndex) {
        guard index > base else { return }
        precondition(index <= last, "only what is there can be compacted")
        gone += Int(index.number - base.number)
        base = index
        guard gone > slots.count / 2 else { return }
        slots.removeFirst(gone)
        gone = 0
    }

    /// The last entry that lies in `segment` or an older one; nil if there is none.
    package func last(through segment: UInt32) -> LogIndex? {
        let count = slots[gone...].partitioningIndex { $0.place.segment > segment } - gone
        return count == 0 ? nil : LogIndex(base.number + UInt64(count))
    }
}

extension ArraySlice {
    /// The first index whose element meets `condition`, if all that follow do too.
    fileprivate func partitioningIndex(where condition: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
