import Raft
import Replica
import StoreCore
import Testing

@Suite("A sole survivor's log")
struct SoleSurvivorTests {
    private static let me = MemberID(1)
    private static let first = SegmentHeader(salt: 5, sequence: 1, fileBytes: 4096)
    private static let next = SegmentHeader(salt: 6, sequence: 2, fileBytes: 4096)
    private static let three = ClusterMembers(
        cluster: 9, membership: Membership(voters: [me, MemberID(2), MemberID(3)]),
        addresses: [me: .init(name: "n1", peer: "n1:1")])
    private static let revision = Revision(1000)
    private let survivor = SoleSurvivor(member: me, cluster: 77, revision: revision)

    /// The log of one of three members, with four puts of term 3, of which two are committed.
    private func files() throws -> MemoryFiles {
        var core = StoreState()
        var changes: [AppliedChange] = []
        var batch = LogBatch(at: .origin, salt: Self.first.salt, term: Term(3))
        core.open(
            Self.first, stating: LogStatement(member: Self.me, members: Self.three), into: &batch)
        for number in 1...4 {
            if number == 4 { batch.committed = LogIndex(2) }
            _ = try core.put(
                [UInt8(number)], [7], expected: nil, lease: .none, into: &batch, changes: &changes)
        }
        batch.append(vote: HardState(term: Term(4), vote: MemberID(2)), of: Self.me)
        batch.commit()
        var files = MemoryFiles()
        files.make(Self.first)
        files.write(batch.bytes, to: 1, at: batch.bytesOffset)
        return files
    }

    private func recover(
        _ files: MemoryFiles, committed: LogIndex = .zero
    ) throws -> RecoveredFiles {
        try LogRecovery(
            of: IdentityFile(member: Self.me, founders: Self.three), committed: committed
        ).run(files)
    }

    private func writes(_ files: MemoryFiles) throws -> [SoleSurvivor.Write] {
        let found = try recover(files, committed: .limit)
        let log = found.log
        var core = found.takeCore()
        return survivor.writes(log, &core, next: Self.next)
    }

    @Test func hasAllEntriesAndOneMember() throws {
        var files = try files()
        let before = try recover(files)
        #expect(before.log.committed == LogIndex(2))
        #expect(before.core.revision == Revision(3))
        let writes = try writes(files)
        files.make(Self.next)
        for write in writes { files.write(write.bytes, to: write.segment, at: write.offset) }
        let after = try recover(files)
        #expect(after.log.members.membership == Membership(voters: [Self.me]))
        #expect(after.log.members.cluster == 77)
        #expect(after.log.members.addresses == [Self.me: .init(name: "n1", peer: "n1:1")])
        #expect(after.core.keyCount == 4)
        #expect(after.core.revision == Self.revision)
        #expect(after.core.compacted == Self.revision)
        // Nobody can be sent what was before: it names members that are gone.
        #expect(after.log.log.base == EntryID(index: LogIndex(5), term: Term(5)))
        #expect(after.log.log.count == 0)
        #expect(after.log.committed == LogIndex(5))
        #expect(after.log.hardState == HardState(term: Term(5), vote: nil))
    }

    @Test func isWhatItWasUntilTheLastByteIsThere() throws {
        let whole = try files()
        let writes = try writes(whole)
        let last = try #require(writes.last)
        for count in 0..<last.bytes.count where last.bytes[count...].contains(where: { $0 != 0 }) {
            var files = whole
            files.make(Self.next)
            for write in writes.dropLast() {
                files.write(write.bytes, to: write.segment, at: write.offset)
            }
            files.write(last.bytes.prefix(count), to: last.segment, at: last.offset)
            let found = try recover(files)
            #expect(found.log.members == Self.three, "\(count) bytes")
            #expect(found.log.log.lastIndex == LogIndex(4))
        }
    }
}
