import Raft
import Replica
import StoreCore
import Testing

/// A founder in one of its lives.
private struct Founder {
    let id: MemberID
    var founding: Founding

    init(_ number: UInt64, of count: Int = 3, life: UInt64? = nil, hasBegun: Bool = false) {
        id = MemberID(number)
        let all = (1...UInt64(count)).map { MemberID($0) }
        founding = Founding(
            of: id, in: Membership(voters: all), life: life ?? 100 + number, hasBegun: hasBegun)
    }

    var hasBegun: Bool { founding.hasBegun }

    /// It ends, and is started again with its disk.
    mutating func restart(of count: Int = 3) {
        let all = (1...UInt64(count)).map { MemberID($0) }
        founding = Founding(
            of: id, in: Membership(voters: all), life: founding.life,
            lives: hasBegun ? founding.lives : [:], hasBegun: hasBegun)
    }

    /// Hears where `other` stands, who may know its number.
    mutating func hear(
        _ other: Founder, isFresh: Bool = false, number: MemberID? = nil
    ) -> Founding.Verdict {
        founding.take(
            other.founding.statement(
                to: id, address: "-", number: number ?? (other.hasBegun ? id : nil)),
            from: other.id, isFresh: isFresh
        ).verdict
    }

    /// Waits as long as all are waited for.
    mutating func wait() -> Founding.Verdict {
        var verdict = Founding.Verdict.wait
        for _ in 0...Founding.ticksPatient where !hasBegun { verdict = founding.tick() }
        return verdict
    }
}

@Suite("The first members of a cluster")
struct FoundingTests {
    @Test func beginAsSoonAsAllKnowOfEachOther() {
        var (a, b, c) = (Founder(1), Founder(2), Founder(3))
        #expect(a.founding.tick() == .ask)
        #expect(a.hear(b) == .wait, "b has not heard of a: it might be of an earlier life")
        #expect(b.hear(a) == .wait && c.hear(a) == .wait)
        #expect(a.hear(b) == .wait && a.hear(c) == .begin)
        // Who began with them is no proof that they are late.
        #expect(b.hear(a) == .wait && b.hear(c) == .wait && c.hear(b) == .wait)
        #expect(b.hear(c) == .begin && c.hear(a) == .begin)
    }

    @Test func aMajorityWaitsForTheOthersAWhile() {
        var (a, b) = (Founder(1), Founder(2))
        _ = (a.hear(b), b.hear(a), a.hear(b), b.hear(a))
        #expect(!a.hasBegun && !b.hasBegun)
        #expect(a.wait() == .begin)
        #expect(b.hear(a) == .wait, "it waits as long itself")
        #expect(b.wait() == .begin)
    }

    @Test func noMajorityNeverBegins() {
        var a = Founder(1)
        #expect(a.wait() != .begin && !a.hasBegun)
        #expect(a.wait() != .begin && !a.hasBegun)
    }

    @Test func aFounderWithoutItsDiskIsLost() {
        var old = Founder(3)
        var (a, b) = (Founder(1), Founder(2))
        for _ in 0..<2 { _ = (a.hear(b), a.hear(old), b.hear(a), b.hear(old), old.hear(a), old.hear(b)) }
        #expect(a.hasBegun && b.hasBegun && old.hasBegun)
        var new = Founder(3, life: 7)
        #expect(a.hear(new) == .wait)
        #expect(new.hear(a) == .lost(number: new.id))
    }

    @Test func whoComesAfterTheOthersHaveBegunIsLetInAnew() {
        var (a, b) = (Founder(1), Founder(2))
        for _ in 0..<2 { _ = (a.hear(b), b.hear(a)) }
        #expect(a.wait() == .begin && b.wait() == .begin)
        var c = Founder(3)
        #expect(c.hear(b) == .lost(number: c.id))
    }

    @Test func whoEndsBeforeItHasBegunIsNotLateIfItHasItsDisk() {
        var (a, b, c) = (Founder(1), Founder(2), Founder(3))
        _ = (a.hear(b), b.hear(a), c.hear(a), a.hear(b), a.hear(c))
        #expect(a.hasBegun && !b.hasBegun && !c.hasBegun)
        // Were both late, one that has begun would never have a majority to let them in.
        b.restart()
        c.restart()
        #expect(b.hear(a) == .wait && c.hear(a) == .wait)
        a.restart()
        #expect(b.hear(a) == .wait && c.hear(a) == .wait)
        #expect(b.wait() == .begin && c.wait() == .begin)
    }

    @Test func whoComesBeforeAnythingHasComeOfItIsCounted() {
        var (a, b) = (Founder(1, of: 5, hasBegun: true), Founder(2, of: 5))
        _ = a.hear(b, isFresh: true)
        #expect(b.hear(a) == .wait)
        var c = Founder(3, of: 5)
        _ = a.hear(c, isFresh: false)
        #expect(c.hear(a) == .lost(number: c.id))
        // It may have lost what it had: the first life counts.
        var another = Founder(2, of: 5, life: 7)
        _ = a.hear(another, isFresh: true)
        #expect(another.hear(a) == .lost(number: another.id))
    }

    @Test func whoIsLateWaitsForOneThatKnowsItsNumber() {
        var (b, c) = (Founder(2), Founder(3))
        // Let in just now, the other knows of no members yet.
        let joiner = Founder(9, of: 9, hasBegun: true).founding.statement(to: c.id, address: "-")
        #expect(c.founding.take(joiner, from: MemberID(9), isFresh: true).verdict == .wait)
        for _ in 0..<2 { _ = (b.hear(c), c.hear(b)) }
        #expect(c.wait() != .begin, "others have begun, whoever else has not")
        #expect(c.hear(Founder(1, hasBegun: true), number: MemberID(7)) == .lost(number: MemberID(7)))
    }

    @Test func oneThatHasBegunWithoutSomebodyTellsThemSo() {
        var c = Founder(3)
        #expect(c.hear(Founder(1, hasBegun: true)) == .lost(number: c.id))
    }

    @Test func aStrangerHasNoSayButThatTheClusterHasBegun() {
        var a = Founder(1)
        var stranger = Founder(9, of: 9)
        _ = stranger.hear(a)
        for _ in 0..<3 { #expect(a.hear(stranger) == .wait) }
        #expect(a.wait() != .begin)
        #expect(a.hear(Founder(9, of: 9, hasBegun: true)) == .lost(number: a.id))
    }

    @Test func answersAreGivenOnce() {
        var (a, b) = (Founder(1), Founder(2))
        let first = b.founding.statement(to: a.id, address: "-")
        #expect(a.founding.take(first, from: b.id, isFresh: true).answers)
        #expect(!a.founding.take(first, from: b.id, isFresh: true).answers)
        var begun = Founder(2, hasBegun: true)
        let asked = a.founding.statement(to: b.id, address: "-")
        #expect(begun.founding.take(asked, from: a.id, isFresh: true).answers)
        let told = Founder(3, hasBegun: true).founding.statement(to: b.id, address: "-")
        #expect(!begun.founding.take(told, from: MemberID(3), isFresh: true).answers)
        _ = b.hear(a)
    }

    @Test func aStatementIsReadAsItWasWritten() throws {
        let envelope = MemberFrame.Envelope(cluster: 5, from: MemberID(1), to: .anybody)
        let statement = FoundingStatement(
            life: 3, hasBegun: true, counted: 4, address: "n1:1", number: MemberID(6))
        let frame = MemberFrame.founding(envelope, statement)
        let bytes = frame.encoded()
        #expect(try MemberFrame(bytes.raw) == frame)
    }
}
