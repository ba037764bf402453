import Checksum
import Raft
import StoreCore
import Testing

@Suite("Who a member is")
struct IdentityFileTests {
    static let members = ClusterMembers(
        cluster: 5, membership: Membership(voters: [MemberID(1), MemberID(2), MemberID(3)]),
        addresses: [
            MemberID(1): .init(name: "n1", peer: "h1:1"),
            MemberID(2): .init(name: "n2", peer: "h2:1"),
            MemberID(3): .init(name: "n3", peer: "h3:1"),
        ])

    @Test func readsWhatWasWritten() {
        var identity = IdentityFile(member: MemberID(2), founders: Self.members)
        #expect(IdentityFile(identity.encoded().raw) == identity)
        identity.replaced = [MemberID(7), MemberID(8)]
        identity.successor = MemberID(9)
        identity.log = .givenUp
        #expect(IdentityFile(identity.encoded().raw) == identity)
        #expect(identity.encoded()[7] == 2, "older programs can read it")
        (identity.life, identity.lives) = (11, [MemberID(3): 13, MemberID(1): 12])
        #expect(IdentityFile(identity.encoded().raw) == identity)
    }

    @Test(arguments: [0, 11])
    func aFlippedBitAnywhereIsFound(life: UInt64) {
        var identity = IdentityFile(member: MemberID(2), founders: Self.members)
        identity.replaced = [MemberID(7)]
        identity.life = life
        if life > 0 { identity.lives = [MemberID(1): 12] }
        let bytes = identity.encoded()
        for place in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[place] ^= 1 << UInt8(bit)
                #expect(IdentityFile(changed.raw) == nil, "byte \(place), bit \(bit)")
            }
        }
    }

    @Test func readsTheFirstVersion() {
        // "MARTMBR" 1, checksum, 0, the member, and its cluster.
        var bytes: [UInt8] = Array("MARTMBR".utf8) + [1, 0, 0, 0, 0, 0, 0, 0, 0]
        bytes += [2, 0, 0, 0, 0, 0, 0, 0] + Self.members.encoded()
        let checksum = crc32c(bytes.raw.extracting(16..<bytes.count))
        for place in 0..<4 { bytes[8 + place] = UInt8(truncatingIfNeeded: checksum >> (8 * place)) }
        #expect(
            IdentityFile(bytes.raw) == IdentityFile(member: MemberID(2), founders: Self.members))
    }

    @Test func rememberWhatItWasAndKeepsTheNumberThatItHasSettledOn() {
        var identity = IdentityFile(member: MemberID(2), founders: Self.members)
        identity.log = .begun
        let first = identity.givingUp(for: MemberID(20), contacts: Self.members.addresses)
        #expect(first.member == MemberID(20) && first.replaced == [MemberID(2)])
        #expect(first.log == .givenUp && first.founders.membership == .none)
        #expect(first.founders.cluster == 5)
        var second = first
        second.successor = MemberID(30)
        second = second.givingUp(for: MemberID(40), contacts: [:])
        #expect(second.member == MemberID(30) && second.successor == nil)
        #expect(second.replaced == [MemberID(20), MemberID(2)])
        for number in 100..<200 {
            second = second.givingUp(for: MemberID(UInt64(number)), contacts: [:])
        }
        #expect(second.replaced.count == 16 && second.replaced.first == MemberID(198))
    }
}

@Suite("What a damaged log tells of the cluster")
struct MembersSurveyTests {
    @Test func knowsTheFoundersIfItTellsNothing() {
        var survey = MembersSurvey(IdentityFileTests.members)
        survey.take(segment: [UInt8](repeating: 0xFF, count: 4096).raw)
        #expect(survey.members == IdentityFileTests.members)
        #expect(survey.contacts(without: MemberID(2))?.keys.sorted() == [MemberID(1), MemberID(3)])
    }

    @Test func findsNewerMembersBehindTheDamage() throws {
        var later = IdentityFileTests.members
        later.membership = Membership(voters: [MemberID(1), MemberID(3), MemberID(4)])
        later.addresses[MemberID(4)] = .init(name: "n4", peer: "h4:1")
        let header = SegmentHeader(salt: 77, sequence: 1, fileBytes: 4096)
        var batch = LogBatch(at: .origin, salt: header.salt, term: Term(1))
        batch.append(.membership, payload: IdentityFileTests.members.encoded())
        batch.commit()
        let damaged = batch.endOffset - 1
        batch.append(.noop, payload: [])
        batch.append(.membership, payload: later.encoded())
        batch.commit()
        var bytes = header.encoded() + batch.bytes
        bytes += [UInt8](repeating: 0, count: header.fileBytes - bytes.count)
        bytes[damaged] ^= 1
        var survey = MembersSurvey(
            ClusterMembers(cluster: 5, membership: .none))
        survey.take(segment: bytes.raw)
        #expect(survey.members.membership == later.membership)
        #expect(
            survey.contacts(without: MemberID(1))?.keys.sorted()
                == [MemberID(2), MemberID(3), MemberID(4)])
    }

    @Test(arguments: [([1], false), ([1, 2], false), ([1, 2, 3], true), ([2, 3], true)])
    func saysWhetherTheOthersAreEnough(voters: [UInt64], isEnough: Bool) {
        var members = IdentityFileTests.members
        members.membership = Membership(voters: voters.map { MemberID($0) })
        #expect((MembersSurvey(members).contacts(without: MemberID(1)) != nil) == isEnough)
        #expect(members.membership.canSpare(MemberID(1)) == isEnough)
    }
}
