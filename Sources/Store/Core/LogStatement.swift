package import Raft

/// What has to be known although the segments that told it first may be gone. It stands in each
/// segment's opening and in each retirement; the newest one in a log counts.
///
///      0  i64 revision, i64 compacted
///     16  u64 committed index, u64 its term
///     32  u64 member, u64 term, u64 candidate voted for (0: none)
///     56  u64 bytes of the membership, then the membership (``ClusterMembers``)
package struct LogStatement: Equatable, Sendable {
    /// Of the newest committed transaction.
    package var revision: Revision
    /// History before it is given up.
    package var compacted: Revision
    /// The newest entry that is committed.
    package var committed: EntryID
    /// Whose log this is; how it voted.
    package var member: MemberID
    package var hardState: HardState
    /// As of `committed`.
    package var members: ClusterMembers

    package init(
        revision: Revision, compacted: Revision, committed: EntryID, member: MemberID,
        hardState: HardState, members: ClusterMembers
    ) {
        (self.revision, self.compacted) = (revision, compacted)
        (self.committed, self.member) = (committed, member)
        (self.hardState, self.members) = (hardState, members)
    }

    /// A log that begins.
    package init(member: MemberID, members: ClusterMembers) {
        self.init(
            revision: .start, compacted: .none, committed: .zero, member: member,
            hardState: HardState(), members: members)
    }

    static let fixedBytes = 64
    package var byteCount: Int { Self.byteCount(members.encoded()) }

    /// The size of a statement, given the payload that names the members.
    package static func byteCount(_ members: [UInt8]) -> Int { fixedBytes + members.count }

    func append(to bytes: inout [UInt8]) {
        let members = members.encoded()
        bytes.append(integer: revision.number)
        bytes.append(integer: compacted.number)
        bytes.append(integer: committed.index.number)
        bytes.append(integer: committed.term.number)
        bytes.append(integer: member.number)
        bytes.append(integer: hardState.term.number)
        bytes.append(integer: hardState.vote?.number ?? 0)
        bytes.append(integer: UInt64(members.count))
        bytes += members
    }

    /// Reads a statement from the beginning of `bytes`; nil if there is none.
    init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.fixedBytes else { return nil }
        let membersBytes = bytes.integer(at: 56, as: UInt64.self)
        guard membersBytes <= UInt64(bytes.byteCount - Self.fixedBytes),
            let members = ClusterMembers(bytes.slice(Self.fixedBytes, Int(membersBytes)))
        else { return nil }
        let vote = bytes.integer(at: 48, as: UInt64.self)
        self.init(
            revision: Revision(bytes.integer(at: 0, as: Int64.self)),
            compacted: Revision(bytes.integer(at: 8, as: Int64.self)),
            committed: EntryID(
                index: LogIndex(bytes.integer(at: 16, as: UInt64.self)),
                term: Term(bytes.integer(at: 24, as: UInt64.self))),
            member: MemberID(bytes.integer(at: 32, as: UInt64.self)),
            hardState: HardState(
                term: Term(bytes.integer(at: 40, as: UInt64.self)),
                vote: vote == 0 ? nil : MemberID(vote)),
            members: members)
    }
}
