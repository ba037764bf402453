package import Raft
internal import StoreCore

/// How the first members of a cluster begin.
///
/// A founder that has lost its disk looks like one that starts for the first time. Under its old
/// number it might vote twice, or make a majority that lacks what is acknowledged. So a founder
/// without a log says nothing of its own until the others have told it that they are only beginning
/// as well: all of them, or after a while a majority, itself included. From one that has begun
/// without it, it learns that it has to be let in anew.
///
/// Each disk is a life of its own, with a random number that is on it before anybody hears of it. A
/// member that has begun remembers which lives of the others it began with, on disk as well: they
/// are no latecomers, even if they end before they have begun themselves.
///
/// Founders that come when others have begun are counted as long as nothing has come of that: else
/// those who have begun, each with others, might be too few to let the rest in.
///
/// What it cannot rule out: that one founder loses its disk while another is down and a third has
/// never been started, or never heard of it nor of anything decided. The two then take each other
/// for beginners.
package struct Founding: Sendable {
    package enum Verdict: Sendable, Equatable {
        case wait
        /// Say where this member stands, to all founders.
        case ask
        /// Enough are beginning: take part.
        case begin
        /// The cluster has begun without this life of the member, which it knows by this number by now.
        case lost(number: MemberID)
    }

    package let life: UInt64
    private let me: MemberID
    private let founders: Set<MemberID>
    /// Lives of others that were only beginning.
    package private(set) var lives: [MemberID: UInt64]
    /// Who counts this life among those that begin.
    private var companions: Set<MemberID> = []
    /// Whether others have begun without this life.
    private var isLate = false
    private var ticks = 0
    package private(set) var hasBegun: Bool

    /// For so many ticks all founders are waited for.
    package static let ticksPatient = 100
    static let ticksBetweenQuestions = 3

    /// - Parameters:
    ///   - membership: The founders, this member among them.
    ///   - life: A random number; zero if nobody ever had to count this member.
    ///   - lives: Of the others with whom this member has begun.
    ///   - hasBegun: Whether this member has begun before, or has nobody to wait for.
    package init(
        of me: MemberID, in membership: Membership, life: UInt64,
        lives: [MemberID: UInt64] = [:], hasBegun: Bool
    ) {
        (self.me, self.life, self.lives, self.hasBegun) = (me, life, lives, hasBegun)
        founders = Set(membership.voters)
    }

    /// One tick of the clock.
    package mutating func tick() -> Verdict {
        guard !hasBegun else { return .wait }
        ticks += 1
        if isEnough { return begin() }
        return ticks % Self.ticksBetweenQuestions == 1 ? .ask : .wait
    }

    private var isEnough: Bool {
        guard !isLate else { return false }
        let count = companions.count + 1
        return count == founders.count
            || ticks > Self.ticksPatient && count > founders.count / 2
    }

    private mutating func begin() -> Verdict {
        hasBegun = true
        return .begin
    }

    /// What to say to another.
    ///
    /// - Parameters:
    ///   - address: Where this member is.
    ///   - number: By which the log knows whoever is where the other is; nil if it may be another
    ///     by now.
    package func statement(
        to member: MemberID, address: String, number: MemberID? = nil
    ) -> FoundingStatement {
        FoundingStatement(
            life: max(1, life), hasBegun: hasBegun, counted: lives[member] ?? 0, address: address,
            number: number)
    }

    /// Takes in where another member stands.
    ///
    /// - Parameter isFresh: Whether nothing has been promised in this member's log.
    /// - Returns: What follows, and whether the other has to be answered: once ``lives`` are on
    ///   disk, if this member has begun.
    package mutating func take(
        _ statement: FoundingStatement, from member: MemberID, isFresh: Bool
    ) -> (verdict: Verdict, answers: Bool) {
        guard member != me else { return (.wait, false) }
        // Who has begun tells those who ask.
        guard !hasBegun else {
            if isFresh, !statement.hasBegun, founders.contains(member), lives[member] == nil {
                lives[member] = statement.life
            }
            return (.wait, !statement.hasBegun)
        }
        let isCounted = statement.counted == life
        guard !statement.hasBegun || isCounted else {
            // Under a number that it has no more, nobody would let it in: it waits for somebody who
            // knows.
            isLate = true
            return (statement.number.map { .lost(number: $0) } ?? .wait, false)
        }
        guard founders.contains(member) else { return (.wait, false) }
        if isCounted { companions.insert(member) }
        var isNew = false
        if !statement.hasBegun {
            isNew = lives.updateValue(statement.life, forKey: member) != statement.life
        }
        return (isEnough ? begin() : .wait, isNew)
    }
}

/// Where a member stands that may be one of the first.
package struct FoundingStatement: Sendable, Equatable {
    /// Of the sender.
    package var life: UInt64
    package var hasBegun: Bool
    /// The receiver's life that the sender began with, or would; 0: none.
    package var counted: UInt64
    /// `HOST:PORT` of the sender, for the answer.
    package var address: String
    /// The receiver's number, as the sender's log knows it: it may have been let in anew.
    package var number: MemberID?

    package init(
        life: UInt64, hasBegun: Bool, counted: UInt64, address: String, number: MemberID? = nil
    ) {
        (self.life, self.hasBegun) = (life, hasBegun)
        (self.counted, self.address, self.number) = (counted, address, number)
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(field: 1, fixed: life)
        bytes.append(field: 2, varint: hasBegun ? 1 : 0)
        bytes.append(field: 3, fixed: counted)
        bytes.append(field: 4, bytes: Array(address.utf8))
        bytes.append(field: 5, fixed: number?.number ?? 0)
        return bytes
    }

    init(_ bytes: [UInt8]) throws(PeerFrameError) {
        self.init(life: 0, hasBegun: false, counted: 0, address: "")
        let raw = bytes.raw
        var reader = FieldReader(raw, in: 0..<raw.byteCount)
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 1: life = try reader.fixed()
            case 2 << 3: hasBegun = try reader.varint() != 0
            case 3 << 3 | 1: counted = try reader.fixed()
            case 4 << 3 | 2: address = String(decoding: try reader.bytes(), as: UTF8.self)
            case 5 << 3 | 1: number = MemberID(try reader.fixed())
            default: try reader.skip(tag)
            }
        }
        guard life != 0 else { throw reader.failure }
    }
}
