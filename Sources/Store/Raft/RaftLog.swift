/// What an entry is to consensus.
package enum EntryKind: Hashable, Sendable {
    /// The store's business.
    case ordinary
    /// The first entry of a leader: once it is committed, so is all before it.
    case noop
    /// In force from the moment at which it is appended.
    case membership(Membership)
}

/// An entry without its payload.
package struct EntryHeader: Hashable, Sendable {
    package var term: Term
    package var kind: EntryKind
    /// Size in the log. It counts towards limits, and for nothing else.
    package var bytes: Int

    package init(term: Term, kind: EntryKind = .ordinary, bytes: Int) {
        (self.term, self.kind, self.bytes) = (term, kind, bytes)
    }

    /// Greatest size of an entry.
    package static let bytesMax = 1 << 28
}

/// The shape of a log: which entries there are, of which term and size, but not what they say.
///
/// Keeps four bytes an entry, and something for each term and each change of membership. Entries up
/// to `base` have been compacted away.
package struct RaftLog: Hashable, Sendable {
    /// The last entry that is not kept any more.
    package private(set) var base: EntryID
    private var baseMembership: Membership
    /// Where each term begins, oldest first.
    private var runs: [Run] = []
    /// Size and kind of each entry. The first `compactedCount` of them are of entries not kept.
    private var words: [UInt32] = []
    private var compactedCount = 0
    /// Where the membership changes, oldest first.
    private var changes: [Change] = []

    private struct Run: Hashable {
        var first: LogIndex
        var term: Term
    }
    private struct Change: Hashable {
        var index: LogIndex
        var membership: Membership
    }

    /// A log without entries.
    ///
    /// - Parameter membership: In force at `base`.
    package init(base: EntryID = .zero, membership: Membership) {
        (self.base, baseMembership) = (base, membership)
    }

    package var count: Int { words.count - compactedCount }
    package var lastIndex: LogIndex { base.index.advanced(by: count) }
    package var lastTerm: Term { runs.last?.term ?? base.term }
    package var last: EntryID { EntryID(index: lastIndex, term: lastTerm) }
    /// The newest membership, committed or not.
    package var membership: Membership { changes.last?.membership ?? baseMembership }
    /// Where the newest membership was appended.
    package var membershipIndex: LogIndex { changes.last?.index ?? base.index }

    /// The membership that was in force at `index`.
    package func membership(at index: LogIndex) -> Membership {
        changes.last { $0.index <= index }?.membership ?? baseMembership
    }

    /// How often the membership changes after `index`.
    func membershipChanges(after index: LogIndex) -> Int { changes.count { $0.index > index } }

    /// The membership that was in force just before `index`.
    func membership(before index: LogIndex) -> Membership {
        changes.last { $0.index < index }?.membership ?? baseMembership
    }

    /// The term of an entry; nil if it is compacted away or not there yet.
    ///
    /// - Complexity: O(log *t*) in terms kept.
    package func term(at index: LogIndex) -> Term? {
        guard index >= base.index, index <= lastIndex else { return nil }
        guard index > base.index else { return base.term }
        return runs[run(at: index)].term
    }

    package func contains(_ position: EntryID) -> Bool {
        term(at: position.index) == position.term
    }

    /// The run that holds an entry which is kept.
    private func run(at index: LogIndex) -> Int {
        var (low, high) = (0, runs.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if runs[middle].first <= index { low = middle } else { high = middle }
        }
        return low
    }

    /// The last entry up to `index` whose term is at most `term`; nil if none that is known is.
    ///
    /// Where logs differ, this skips a whole term at a time.
    package func last(upTo index: LogIndex, termMax: Term) -> EntryID? {
        guard index >= base.index else { return nil }
        var found = min(index, lastIndex)
        while found > base.index {
            let run = runs[run(at: found)]
            guard run.term > termMax else { return EntryID(index: found, term: run.term) }
            found = LogIndex(run.first.number - 1)
        }
        return base.term <= termMax ? base : nil
    }
}

// MARK: Entries

extension RaftLog {
    /// Two bits of kind above thirty of size.
    private enum Tag: UInt32 {
        case ordinary = 0
        case noop = 1
        case membership = 2
        static let shift: UInt32 = 30
    }

    /// An entry that is kept.
    package func header(at index: LogIndex) -> EntryHeader {
        precondition(index > base.index && index <= lastIndex, "no entry \(index)")
        let word = words[compactedCount + Int(index.number - base.index.number) - 1]
        let kind: EntryKind =
            switch Tag(rawValue: word >> Tag.shift) {
            case .noop: .noop
            case .membership: .membership(membership(at: index))
            case .ordinary, nil: .ordinary
            }
        return EntryHeader(
            term: runs[run(at: index)].term, kind: kind, bytes: Int(word & (1 << Tag.shift - 1)))
    }

    /// Entries from `first` on, until `countMax`, or until their sizes would pass `bytesMax`; at
    /// least one, if there is one.
    ///
    /// - Complexity: O(*n* log *t*) in entries returned and terms kept.
    package func entries(
        from first: LogIndex, countMax: Int, bytesMax: Int
    ) -> (headers: [EntryHeader], bytes: Int) {
        var (headers, bytes, index): ([EntryHeader], Int, LogIndex) = ([], 0, first)
        while index <= lastIndex, headers.count < countMax {
            let header = header(at: index)
            guard headers.isEmpty || bytes + header.bytes <= bytesMax else { break }
            headers.append(header)
            bytes += header.bytes
            index = index.next
        }
        return (headers, bytes)
    }

    /// The size of the entries from `first` through `last`, or of all from `first` on.
    ///
    /// - Complexity: O(*n*) in their number.
    func bytes(from first: LogIndex, through last: LogIndex? = nil) -> Int {
        let start = compactedCount + Int(first.number - base.index.number) - 1
        let end = compactedCount + Int((last ?? lastIndex).number - base.index.number)
        return words[start..<end].reduce(0) { $0 + Int($1 & (1 << Tag.shift - 1)) }
    }

    /// Adds an entry. Terms never go down.
    package mutating func append(_ header: EntryHeader) {
        precondition(header.term >= lastTerm, "terms go up along the log")
        precondition((0...EntryHeader.bytesMax).contains(header.bytes), "size out of range")
        let index = lastIndex.next
        var tag = Tag.ordinary
        switch header.kind {
        case .ordinary: break
        case .noop: tag = .noop
        case .membership(let membership):
            tag = .membership
            changes.append(Change(index: index, membership: membership))
        }
        if runs.last?.term != header.term { runs.append(Run(first: index, term: header.term)) }
        words.append(tag.rawValue << Tag.shift | UInt32(header.bytes))
    }

    /// Takes back `first` and all after it; the membership is again what it was before.
    ///
    /// - Complexity: O(*n*) in entries taken back.
    package mutating func truncate(from first: LogIndex) {
        precondition(first > base.index, "what is compacted stays")
        guard first <= lastIndex else { return }
        words.removeLast(Int(lastIndex.number - first.number) + 1)
        while let run = runs.last, run.first >= first { runs.removeLast() }
        while let change = changes.last, change.index >= first { changes.removeLast() }
    }

    /// Forgets entries up to `index`.
    ///
    /// - Complexity: O(*n*) in entries forgotten, amortized.
    package mutating func compact(to index: LogIndex) {
        guard index > base.index, let term = term(at: index) else {
            precondition(index <= base.index, "cannot compact what is not there")
            return
        }
        baseMembership = membership(at: index)
        changes.removeAll { $0.index <= index }
        compactedCount += Int(index.number - base.index.number)
        base = EntryID(index: index, term: term)
        if count == 0 {
            runs.removeAll()
        } else {
            runs.removeFirst(run(at: index.next))
            runs[0].first = max(runs[0].first, index.next)
        }
        // Moving what is left to the front is paid for by as many entries forgotten.
        guard compactedCount > words.count / 2 else { return }
        words.removeFirst(compactedCount)
        compactedCount = 0
    }
}

// MARK: Comparing

extension RaftLog {
    /// How far two logs say the same, from where both are kept.
    enum Agreement: Equatable {
        /// Through this index, or not at all; after it they differ, or one of them ends.
        case through(LogIndex?)
        /// They agree again after they differed: what log matching excludes.
        case broken(LogIndex)
    }

    /// Of the entries themselves, only memberships and the last one that is the same are compared.
    ///
    /// - Complexity: O(*t* log *t*) in terms kept.
    func agreement(with other: RaftLog) -> Agreement {
        let start = max(base.index, other.base.index)
        let end = min(lastIndex, other.lastIndex)
        guard start <= end else { return .through(nil) }
        // Where both are kept, one of them has nothing but its base.
        let isSameThere = term(at: start) == other.term(at: start)
        var (agreed, differs) = isSameThere ? (start, nil) : (nil, start)
        var index = start.next
        var (mine, theirs) = (run(at: index), other.run(at: index))
        while index <= end {
            let runEnd = min(lastOfRun(mine), other.lastOfRun(theirs), end)
            if runs[mine].term != other.runs[theirs].term {
                differs = differs ?? index
            } else if let differs {
                return .broken(differs)
            } else {
                agreed = runEnd
            }
            if runEnd == lastOfRun(mine) { mine += 1 }
            if runEnd == other.lastOfRun(theirs) { theirs += 1 }
            index = runEnd.next
        }
        guard let agreed else { return .through(nil) }
        let isSame =
            haveSameChanges(as: other, upTo: agreed)
            && (agreed <= start || header(at: agreed).kind == other.header(at: agreed).kind)
        return isSame ? .through(agreed) : .broken(agreed)
    }

    private func lastOfRun(_ run: Int) -> LogIndex {
        run + 1 < runs.count ? LogIndex(runs[run + 1].first.number - 1) : lastIndex
    }

    /// Whether the membership changes alike where both logs are kept.
    private func haveSameChanges(as other: RaftLog, upTo last: LogIndex) -> Bool {
        if changes.isEmpty && other.changes.isEmpty { return true }
        let first = max(base.index, other.base.index).next
        var (mine, theirs) = (firstChange(from: first), other.firstChange(from: first))
        while true {
            let isMine = mine < changes.count && changes[mine].index <= last
            let isTheirs = theirs < other.changes.count && other.changes[theirs].index <= last
            guard isMine, isTheirs else { return isMine == isTheirs }
            guard changes[mine] == other.changes[theirs] else { return false }
            (mine, theirs) = (mine + 1, theirs + 1)
        }
    }

    private func firstChange(from index: LogIndex) -> Int {
        changes.indices.first { changes[$0].index >= index } ?? changes.count
    }
}
