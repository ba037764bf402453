import Raft
import Testing

/// The observer sees each kind of broken promise, and none where all are kept.
@Suite struct InvariantTests {
    private let membership = Membership(voters: [MemberID(1), MemberID(2), MemberID(3)])

    /// A member by the terms of its entries. A leader's term is that of its last one.
    private func member(
        _ id: UInt64, _ terms: [UInt64], leads: Bool = false, term: UInt64? = nil,
        committed: UInt64 = 0, written: UInt64? = nil
    ) -> RaftWitness {
        var log = RaftLog(membership: membership)
        for term in terms { log.append(EntryHeader(term: Term(term), bytes: 1)) }
        var witness = RaftWitness(
            down: MemberID(id), term: Term(term ?? terms.last ?? 0), log: log,
            committed: LogIndex(committed))
        witness.isLeader = leads
        if let written { witness.written = LogIndex(written) }
        return witness
    }

    private func violation(_ steps: [RaftWitness]...) -> RaftViolation? {
        var invariants = RaftInvariants(membership: membership)
        do throws(RaftViolation) {
            for step in steps { try invariants.check(step) }
            return nil
        } catch { return error }
    }

    @Test func aClusterThatWorksBreaksNothing() {
        #expect(
            violation(
                [member(1, [1], leads: true), member(2, []), member(3, [])],
                [member(1, [1, 1], leads: true), member(2, [1]), member(3, [])],
                [member(1, [1, 1], leads: true, committed: 1), member(2, [1]), member(3, [])],
                [member(1, [1, 1], committed: 1), member(2, [1, 2], leads: true), member(3, [])],
                [
                    member(1, [1, 2], committed: 1), member(2, [1, 2], leads: true, committed: 2),
                    member(3, [1, 2], committed: 1),
                ]) == nil)
    }

    @Test func oneLeaderATerm() {
        #expect(
            violation(
                [member(1, [1], leads: true), member(2, [1])],
                [member(1, [1]), member(2, [1], leads: true)])
                == .twoLeaders(MemberID(1), MemberID(2), Term(1)))
    }

    @Test func aLeaderOnlyAppends() {
        #expect(
            violation(
                [member(1, [1, 1, 2], leads: true)], [member(1, [1, 1], leads: true, term: 2)])
                == .leaderOverwrote(
                    MemberID(1), Term(2), EntryID(index: LogIndex(3), term: Term(2))))
    }

    @Test func logsThatAgreeSomewhereAgreeUpToThere() {
        #expect(
            violation([member(1, [1, 2, 3]), member(2, [1, 1, 3])])
                == .logsDiffer(MemberID(1), MemberID(2), LogIndex(2)))
    }

    @Test func aLeaderHasAllThatWasCommitted() {
        #expect(
            violation(
                [member(1, [1, 1], leads: true, committed: 2), member(2, [1, 1]), member(3, [])],
                [member(1, [1, 1], committed: 2), member(2, [1, 1]), member(3, [2], leads: true)])
                == .leaderIncomplete(
                    MemberID(3), Term(2), lacks: EntryID(index: LogIndex(2), term: Term(1))))
    }

    @Test func aDeposedLeaderNeedNotHaveWhatALaterOneCommitted() {
        #expect(
            violation(
                [member(1, [1, 1], leads: true), member(2, []), member(3, [])],
                [
                    member(1, [1, 1], leads: true), member(2, [2], leads: true, committed: 1),
                    member(3, [2]),
                ]) == nil)
    }

    @Test func nobodyCommitsSomethingElse() {
        #expect(
            violation(
                [member(1, [1], leads: true, committed: 1), member(2, [1]), member(3, [2])],
                [
                    member(1, [1], leads: true, committed: 1), member(2, [1]),
                    member(3, [2], committed: 1),
                ]) == .appliedApart(MemberID(3), LogIndex(1)))
    }

    @Test func aLeaderCountsForEntriesOfItsOwnAlone() {
        let steps = { (committed: UInt64) in
            [
                [self.member(1, [1, 2], leads: true), self.member(2, [1, 2]), self.member(3, [])],
                [
                    self.member(1, [1, 2], leads: true, committed: committed),
                    self.member(2, [1, 2]), self.member(3, []),
                ],
            ]
        }
        #expect(violation(steps(2)[0], steps(2)[1]) == nil)
        #expect(
            violation(steps(1)[0], steps(1)[1])
                == .committedOldTerm(MemberID(1), Term(2), LogIndex(1)))
    }

    @Test func oneChangeOfMembersIsUnderWayAtATime() {
        let change = EntryHeader(term: Term(1), kind: .membership(membership), bytes: 1)
        var witness = member(1, [1], leads: true)
        witness.log.append(change)
        #expect(violation([witness, member(2, []), member(3, [])]) == nil)
        witness.log.append(change)
        #expect(
            violation([witness, member(2, []), member(3, [])])
                == .twoChangesAtOnce(MemberID(1), LogIndex(3)))
    }

    @Test func whatWasOnDiskIsThereAfterACrash() {
        let invariants = RaftInvariants(membership: membership)
        let before = member(1, [1, 1, 1], written: 2)
        #expect(throws: Never.self) {
            try invariants.check(member(1, [1, 1]), restartedFrom: before)
        }
        #expect(throws: RaftViolation.self) {
            try invariants.check(member(1, [1]), restartedFrom: before)
        }
    }

    @Test func whatIsCommittedIsOnTheDisksOfAMajority() {
        let committed = EntryID(index: LogIndex(1), term: Term(1))
        #expect(
            violation([
                member(1, [1], leads: true, committed: 1), member(2, [1], written: 0),
                member(3, [1], written: 0),
            ]) == .notDurable(committed, on: [MemberID(1)]))
        #expect(
            violation(
                [member(1, [1], leads: true, committed: 1), member(2, [1]), member(3, [])],
                [member(1, [1], leads: true, committed: 1), member(2, []), member(3, [])])
                == .notDurable(committed, on: [MemberID(1)]))
    }

    /// A member that takes in several things at a step may decide first, and change who decides then.
    @Test func whoDecidesMayChangeInTheStepThatCommits() {
        let four = Membership(voters: [1, 2, 3, 4].map { MemberID($0) })
        var (before, changed) = (member(1, [1], leads: true), member(1, [1], leads: true))
        changed.log.append(
            EntryHeader(term: Term(1), kind: .membership(four), bytes: 1))
        let others = [member(2, [1]), member(3, [], term: 1)]
        var both = changed
        both.committed = LogIndex(1)
        #expect(violation([before] + others, [both] + others) == nil)
        #expect(
            violation([before] + others, [changed] + others, [both] + others)
                == .notDurable(
                    EntryID(index: LogIndex(1), term: Term(1)), on: [MemberID(1), MemberID(2)]))
        before.committed = LogIndex(1)
        #expect(violation([before] + others, [both] + others) == nil)
    }

    @Test func aDiskThatWasLostIsNotHeldAgainstTheOthers() throws {
        var invariants = RaftInvariants(membership: membership)
        try invariants.check([
            member(1, [1], leads: true, committed: 1), member(2, [1]), member(3, []),
        ])
        invariants.excuse(MemberID(2), through: LogIndex(1))
        try invariants.check([
            member(1, [1], leads: true, committed: 1), member(2, []), member(3, []),
        ])
        #expect(!invariants.isNobodyExcused)
        try invariants.check([
            member(1, [1], leads: true, committed: 1), member(2, [1]), member(3, []),
        ])
        #expect(invariants.isNobodyExcused)
    }
}
