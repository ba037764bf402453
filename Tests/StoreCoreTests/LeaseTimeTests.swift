import Raft
import StoreCore
import Testing

@Suite("A lease's time")
struct LeaseTimeTests {
    private let lease = LeaseID(5)

    /// A member that leads and has granted a lease of ten seconds, with one key.
    private struct Leader: ~Copyable {
        var core = StoreState()
        var changes: [AppliedChange] = []
        var batch = LogBatch(at: .origin, salt: 7, term: Term(1))

        init(_ lease: LeaseID) throws {
            core.open(
                SegmentHeader(salt: 7, sequence: 1, fileBytes: 4096),
                stating: LogStatement(member: MemberID(1), members: .alone), into: &batch)
            _ = try core.grant(lease, milliseconds: 10_000, now: 0, into: &batch)
            _ = try core.put([1], [2], expected: nil, lease: lease, into: &batch, changes: &changes)
        }

        mutating func ended(_ now: Int64) -> [LeaseID] { core.tickLeases(now: now).ended }

        mutating func expire(_ lease: LeaseID, now: Int64) throws {
            _ = try core.expire(lease, now: now, into: &batch, changes: &changes)
        }
    }

    @Test func isOverWhenNobodyHasKeptItAlive() throws {
        var leader = try Leader(lease)
        let early = leader.ended(9_999)
        #expect(early == [])
        let late = leader.ended(10_000)
        #expect(late == [lease])
        try leader.expire(lease, now: 10_000)
        #expect(leader.core.leaseIDs == [])
        #expect(leader.changes.count == 2, "its key has gone with it")
    }

    @Test func isNotOverIfItWasKeptAliveAfterItsEndWasFound() throws {
        var leader = try Leader(lease)
        let found = leader.ended(10_000)
        #expect(found == [lease])
        _ = try leader.core.keepAlive(lease, now: 10_001, into: &leader.batch)
        try leader.expire(lease, now: 10_000)
        #expect(leader.core.leaseIDs == [lease])
        let later = leader.ended(20_000)
        #expect(later == [])
    }

    @Test func countsFromTheTickAfterAMemberLeadsAgain() throws {
        var leader = try Leader(lease)
        // Another led, and kept it alive, of which the log says nothing.
        leader.core.forgetLeaseTimes()
        try leader.expire(lease, now: 12_000)
        #expect(leader.core.leaseIDs == [lease])
        let first = leader.ended(12_000)
        #expect(first == [])
        let second = leader.ended(22_000)
        #expect(second == [lease])
    }
}
