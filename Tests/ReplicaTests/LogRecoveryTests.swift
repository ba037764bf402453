import Raft
import Replica
import StoreCore
import Testing

@Suite("A start")
struct LogRecoveryTests {
    private static let me = MemberID(1)

    private static func header(_ sequence: UInt32) -> SegmentHeader {
        SegmentHeader(salt: UInt64(sequence) + 10, sequence: sequence, fileBytes: 4096)
    }

    /// A member's log of one segment with some puts, sealed or not, and fresh segments after it.
    private func files(sealed: Bool, fresh: Int) throws -> MemoryFiles {
        var core = StoreState()
        var changes: [AppliedChange] = []
        var batch = LogBatch(at: .origin, salt: Self.header(1).salt, term: Term(3))
        let alone = ClusterMembers(cluster: 9, membership: Membership(voters: [Self.me]))
        core.open(
            Self.header(1), stating: LogStatement(member: Self.me, members: alone), into: &batch)
        for number in 1...4 {
            _ = try core.put(
                [UInt8(number)], [7], expected: nil, lease: .none, into: &batch, changes: &changes)
        }
        if sealed { core.seal(into: &batch) } else { batch.commit() }
        var files = MemoryFiles()
        for sequence in 0...fresh { files.make(Self.header(UInt32(sequence + 1))) }
        files.write(batch.bytes, to: 1, at: batch.bytesOffset)
        return files
    }

    private func recover(_ files: MemoryFiles) throws -> RecoveredFiles {
        let alone = ClusterMembers(cluster: 9, membership: Membership(voters: [Self.me]))
        return try LogRecovery(of: IdentityFile(member: Self.me, founders: alone)).run(files)
    }

    /// A process may have gone on to several segments in memory, and end before it has written the
    /// end of the first.
    @Test(arguments: 0...3)
    func goesOnInTheSegmentThatHasNotEnded(fresh: Int) throws {
        let found = try recover(try files(sealed: false, fresh: fresh))
        #expect(found.sequences == [1])
        #expect(found.log.position.segment == 1)
        #expect(found.log.position.last == found.log.table.last.entry(of: found.log.log))
        #expect(found.spare == (fresh > 0 ? 2 : nil))
        #expect(found.leftovers == Array((1...4).dropFirst(2).prefix(max(0, fresh - 1))))
    }

    @Test(arguments: 1...3)
    func goesOnInTheNextSegmentIfOneHasEnded(fresh: Int) throws {
        let found = try recover(try files(sealed: true, fresh: fresh))
        #expect(found.sequences == [1, 2])
        #expect(found.log.position.segment == 2 && found.log.isUnopened)
        #expect(found.log.position.last == found.log.table.last.entry(of: found.log.log))
        #expect(found.spare == (fresh > 1 ? 3 : nil))
        #expect(found.leftovers == (fresh > 2 ? [4] : []))
    }
}

extension LogIndex {
    fileprivate func entry(of log: RaftLog) -> EntryID {
        EntryID(index: self, term: log.term(at: self) ?? .none)
    }
}
