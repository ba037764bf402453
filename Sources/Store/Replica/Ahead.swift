internal import Raft
internal import StoreCore

/// A proposal that the leader has decided.
struct DecidedItem: Sendable {
    /// Its first entry, and the last that has to be committed.
    var first: LogIndex
    var index: LogIndex
    /// The store's revision after it.
    var revision: Revision
    /// How many changes it made.
    var changeCount = 0
    var compacted: Revision?
    var decision: Decision
    /// Who waits for it; nil if nobody does (any more), or the entry is of another leader.
    var ticket: ProposalTicket?
}

/// What the leader has decided and may not publish yet, oldest first.
struct Ahead: Sendable {
    private var items: [DecidedItem] = []
    private var changes: [AppliedChange] = []
    /// Items and changes at the beginning that are done.
    private var itemsDone = 0
    private var changesDone = 0
    /// Changes of all items.
    private var changesCounted = 0

    var isEmpty: Bool { itemsDone == items.count }
    /// Of the first item.
    var firstIndex: LogIndex? { isEmpty ? nil : items[itemsDone].index }
    /// The first entry of all.
    var firstEntry: LogIndex? { isEmpty ? nil : items[itemsDone].first }

    /// All changes, for the next item's to be added to them; to be given back.
    mutating func takeChanges() -> [AppliedChange] {
        var taken: [AppliedChange] = []
        swap(&taken, &changes)
        return taken
    }

    mutating func give(_ changes: [AppliedChange]) { self.changes = changes }

    mutating func add(_ new: [AppliedChange]) { changes += new }

    /// Adds an item, whose changes have been added before.
    mutating func append(_ item: DecidedItem) {
        changesCounted += item.changeCount
        precondition(changesCounted == changes.count, "an item counts its changes")
        items.append(item)
    }

    /// Takes the first item, whose changes go to `published`.
    mutating func takeFirst(changes published: inout [AppliedChange]) -> DecidedItem {
        let item = items[itemsDone]
        itemsDone += 1
        published += changes[changesDone..<changesDone + item.changeCount]
        changesDone += item.changeCount
        if itemsDone == items.count {
            items.removeAll(keepingCapacity: true)
            changes.removeAll(keepingCapacity: true)
            (itemsDone, changesDone, changesCounted) = (0, 0, 0)
        } else if itemsDone > Self.doneMax {
            items.removeFirst(itemsDone)
            changes.removeFirst(changesDone)
            (itemsDone, changesDone, changesCounted) = (0, 0, changes.count)
        }
        return item
    }

    private static var doneMax: Int { 4096 }

    /// Takes the tickets of all whose entry is after `index`, who wait no longer.
    mutating func takeTickets(after index: LogIndex) -> [ProposalTicket] {
        var taken: [ProposalTicket] = []
        for place in itemsDone..<items.count where items[place].index > index {
            if let ticket = items[place].ticket { taken.append(ticket) }
            items[place].ticket = nil
        }
        return taken
    }

    /// Forgets all whose entry is after `index`: it became void.
    mutating func removeAll(after index: LogIndex) {
        while let last = items.last, items.count > itemsDone, last.index > index {
            changes.removeLast(last.changeCount)
            changesCounted -= last.changeCount
            items.removeLast()
        }
    }
}
