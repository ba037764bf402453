package import Raft
package import StoreCore

/// Makes the log of one member that of a new cluster, of which it is the only member: what is done
/// when the others are gone for good.
///
/// It takes one record, the opening of a new segment, so it is done or not done. The opening leaves
/// out an index, as if segments before it were gone. So all entries before it are taken for
/// committed, nothing can make them void, and nobody is ever sent them one by one: they are those
/// of another cluster, and name its members. A member that joins gets the segments.
package struct SoleSurvivor: Sendable {
    package let member: MemberID
    /// The new cluster's number: members of the old one are not listened to.
    package let cluster: UInt64
    /// Where the store stands from then on: above all that clients may have seen of what the others
    /// had and this member has not. History before it is given up.
    package let revision: Revision

    package init(member: MemberID, cluster: UInt64, revision: Revision) {
        (self.member, self.cluster, self.revision) = (member, cluster, revision)
    }

    /// Bytes to be written to a segment.
    package struct Write: Sendable {
        package var segment: UInt32
        package var offset: Int
        package var bytes: [UInt8]
    }

    /// The new cluster.
    package func members(_ log: RecoveredLog) -> ClusterMembers {
        let address = log.members.addresses[member]
        return ClusterMembers(
            cluster: cluster, membership: Membership(voters: [member]),
            addresses: address.map { [member: $0] } ?? [:])
    }

    /// Bytes that a segment has to have to be opened.
    package func segmentBytes(_ log: RecoveredLog, _ core: borrowing StoreState) -> Int {
        let statement = LogStatement.byteCount(members(log).encoded())
        return SegmentHeader.byteCount + core.openingBytes(statementBytes: statement)
            + Self.spareBytes
    }

    /// Left for the segment's seal, and what a running member adds before it looks for room.
    private static let spareBytes = 32 * 1024

    /// What to write, and to sync one after the other: after the first, the log is what it was.
    ///
    /// - Parameters:
    ///   - log: What was found, with all its entries taken in.
    ///   - next: A segment that has nothing but its header; nil if the log's last one has no more.
    package func writes(
        _ log: RecoveredLog, _ core: inout StoreState, next: SegmentHeader?
    ) -> [Write] {
        var (position, header, writes) = (log.position, log.header, [Write]())
        if let next {
            precondition(next.sequence == header.sequence + 1, "segments come in order")
            var batch = LogBatch(
                at: position, salt: header.salt, term: log.hardState.term,
                committed: log.committed)
            core.seal(into: &batch)
            writes.append(
                Write(
                    segment: header.sequence, offset: batch.bytesOffset, bytes: batch.bytes))
            (position, header) = (batch.position, next)
            (position.segment, position.offset) = (next.sequence, SegmentHeader.byteCount)
        }
        writes.append(opening(in: header, at: position, log, &core))
        return writes
    }

    private func opening(
        in header: SegmentHeader, at position: LogPosition, _ log: RecoveredLog,
        _ core: inout StoreState
    ) -> Write {
        let term = max(log.hardState.term, log.log.lastTerm).next
        let base = EntryID(index: log.log.lastIndex.next, term: term)
        var position = position
        position.last = base
        var batch = LogBatch(
            at: position, salt: header.salt, term: term, committed: base.index)
        let statement = LogStatement(
            revision: revision, compacted: revision, committed: base, member: member,
            hardState: HardState(term: term, vote: nil), members: members(log))
        core.open(header, stating: statement, into: &batch)
        batch.commit()
        return Write(
            segment: header.sequence, offset: batch.bytesOffset, bytes: batch.bytes)
    }
}
