internal import Raft
internal import StoreCore

/// What the leader has decided and may not publish yet, oldest first.
struct Ahead<Token: Sendable>: Sendable {
    struct Item: Sendable {
        /// The last entry that has to be committed.
        var index: LogIndex
        /// The store's revision after it.
        var revision: Revision
        /// How many changes it made.
        var changeCount: Int
        var compacted: Revision?
        /// Nil if nobody waits (any more), or the entry is of another leader.
        var token: Token?
        var decision: Decision
    }

    private(set) var items: [Item] = []
    private(set) var changes: [AppliedChange] = []
    /// Items and changes at the beginning that are done.
    private var itemsDone = 0
    private var changesDone = 0

    var isEmpty: Bool { itemsDone == items.count }
    var first: Item? { isEmpty ? nil : items[itemsDone] }

    mutating func append(_ item: Item, _ new: ArraySlice<AppliedChange>) {
        precondition(new.count == item.changeCount, "an item counts its changes")
        items.append(item)
        changes += new
    }

    /// Takes the first item, whose changes go to `published`.
    mutating func takeFirst(changes published: inout [AppliedChange]) -> Item {
        let item = items[itemsDone]
        itemsDone += 1
        published += changes[changesDone..<changesDone + item.changeCount]
        changesDone += item.changeCount
        if itemsDone == items.count {
            items.removeAll(keepingCapacity: true)
            changes.removeAll(keepingCapacity: true)
            (itemsDone, changesDone) = (0, 0)
        } else if itemsDone > Self.doneMax {
            items.removeFirst(itemsDone)
            changes.removeFirst(changesDone)
            (itemsDone, changesDone) = (0, 0)
        }
        return item
    }

    private static var doneMax: Int { 4096 }

    /// Takes the tokens of all whose entry is after `index`, who wait no longer.
    mutating func takeTokens(after index: LogIndex) -> [Token] {
        var tokens: [Token] = []
        for place in itemsDone..<items.count where items[place].index > index {
            if let token = items[place].token { tokens.append(token) }
            items[place].token = nil
        }
        return tokens
    }

    /// Forgets all whose entry is after `index`: it became void.
    mutating func removeAll(after index: LogIndex) {
        while let last = items.last, items.count > itemsDone, last.index > index {
            changes.removeLast(last.changeCount)
            items.removeLast()
        }
    }
}
