/// Names a member of the cluster, for good: a number is never given to another.
package struct MemberID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }
    package var description: String { "\(number)" }
    package static func < (left: MemberID, right: MemberID) -> Bool { left.number < right.number }
}

/// A reign. Terms are numbered upwards, and each has at most one leader.
package struct Term: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }

    /// Before any election.
    package static let none = Term(0)
    /// A peer that claims a later term lies: there is no time to reach it, and one more would
    /// overflow.
    package static let limit = Term(1 << 62)

    package var next: Term { Term(number + 1) }
    package var description: String { "\(number)" }
    package static func < (left: Term, right: Term) -> Bool { left.number < right.number }
}

/// A position in the replicated log. Every record but a synced mark takes one.
package struct LogIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }

    /// Before the first entry.
    package static let zero = LogIndex(0)
    /// A peer that speaks of a later index lies.
    package static let limit = LogIndex(1 << 62)

    package var next: LogIndex { LogIndex(number + 1) }
    package func advanced(by count: Int) -> LogIndex { LogIndex(number + UInt64(count)) }
    package var description: String { "\(number)" }
    package static func < (left: LogIndex, right: LogIndex) -> Bool { left.number < right.number }
}

/// An entry's identity: two logs that both hold it are the same up to it (log matching).
///
/// Ordered as votes are given: of two logs, the one whose last entry is of the later term, or of
/// the same term and further on, is at least as complete.
package struct EntryID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let index: LogIndex
    package let term: Term

    package init(index: LogIndex, term: Term) { (self.index, self.term) = (index, term) }

    /// Before the first entry.
    package static let zero = EntryID(index: .zero, term: .none)

    package var description: String { "\(index)@\(term)" }
    package static func < (left: EntryID, right: EntryID) -> Bool {
        (left.term, left.index) < (right.term, right.index)
    }
}

/// Names a read, chosen by the caller. Unique within the life of the member that reads.
package struct ReadContext: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }
    package var description: String { "\(number)" }
    package static func < (left: ReadContext, right: ReadContext) -> Bool {
        left.number < right.number
    }
}

/// What a member must never forget: written before anything that depends on it is said.
package struct HardState: Hashable, Sendable {
    package var term: Term
    /// Whom it voted for in this term.
    package var vote: MemberID?

    package init(term: Term = .none, vote: MemberID? = nil) {
        (self.term, self.vote) = (term, vote)
    }
}
