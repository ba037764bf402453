internal import Raft
public import StoreCore

/// What a store of several members needs to know, and whom it tells.
///
/// Frames between members are bytes that somebody else carries. They may be lost, repeated and
/// delayed, but not changed, and come from members of the cluster only.
public struct ClusterOptions: Sendable {
    /// A member of a cluster that begins.
    public struct Founder: Sendable, Equatable {
        public var name: String
        /// `HOST:PORT` for other members.
        public var peerAddress: String

        public init(name: String, peerAddress: String) {
            (self.name, self.peerAddress) = (name, peerAddress)
        }
    }

    /// How a directory without a store gets one.
    public enum Beginning: Sendable {
        /// With these members, of whom this is one. Everyone is told the same list.
        case founding([Founder])
        /// As a member that a cluster has added and given this number, with the members that there
        /// were, by their numbers.
        case joining(cluster: UInt64, member: UInt64, contacts: [UInt64: Founder])
    }

    /// This member.
    public var me: Founder
    public var beginning: Beginning
    /// Hands a frame over, without waiting, for the member with this number at this address.
    public var send: @Sendable (_ frame: [UInt8], _ member: UInt64, _ address: String) -> Void
    /// Told when this member begins to decide proposals, and when it ends.
    public var onLeadership: @Sendable (Bool) -> Void = { _ in }
    /// Told when a snapshot from another member is ready to take the place of this one's log: close
    /// the store and open it again, or end the process and start it again.
    public var onSnapshotReady: @Sendable () -> Void = {}
    /// Told when this member's number is given up, as its log was damaged or it holds something
    /// else than the others: close the store and
    /// open it again, or end the process and start it again. It begins without a log then.
    public var onGivenUp: @Sendable () -> Void = {}
    /// Told at the leader when a member whose log was damaged is let in again: its old number, its
    /// new one, and its name.
    public var onExchange: @Sendable (UInt64, UInt64, String) -> Void = { _, _, _ in }
    /// Told when members hold different things, once for each time that one begins to differ.
    public var onDifference: @Sendable (StoreDifference) -> Void = { _ in }
    /// Told when a frame is not taken: once for each reason and sender.
    public var onRefusedFrame: @Sendable (FrameRefusal) -> Void = { _ in }
    /// Time between two ticks; elections take 16 to 32, or a few if the leader's connection broke.
    public var tickInterval = Duration.milliseconds(30)

    public init(
        me: Founder, beginning: Beginning,
        send: @escaping @Sendable (_ frame: [UInt8], _ member: UInt64, _ address: String) -> Void
    ) {
        (self.me, self.beginning, self.send) = (me, beginning, send)
    }
}

extension ClusterOptions {
    /// The identity of a directory that has none.
    ///
    /// Founders have to agree on numbers that nobody has given them, so they follow from names and
    /// addresses.
    var identity: IdentityFile {
        switch beginning {
        case .founding(let founders):
            let list = founders.map { "\($0.name)=\($0.peerAddress)" }.sorted()
            let cluster = Self.number(of: list.joined(separator: ","))
            let numbers = founders.map { Self.memberID(of: $0.name, cluster: cluster) }
            return IdentityFile(
                member: Self.memberID(of: me.name, cluster: cluster),
                founders: ClusterMembers(
                    cluster: cluster, membership: Membership(voters: numbers),
                    addresses: Dictionary(
                        uniqueKeysWithValues: zip(
                            numbers,
                            founders.map { .init(name: $0.name, peer: $0.peerAddress) }))))
        case .joining(let cluster, let member, let contacts):
            return IdentityFile(
                member: MemberID(member),
                founders: ClusterMembers(
                    cluster: cluster, membership: .none,
                    addresses: Dictionary(
                        uniqueKeysWithValues: contacts.map {
                            (MemberID($0), .init(name: $1.name, peer: $1.peerAddress))
                        })))
        }
    }

    static func memberID(of name: String, cluster: UInt64) -> MemberID {
        MemberID(number(of: "\(name)@\(cluster)"))
    }

    /// FNV-1a, never zero.
    static func number(of text: String) -> UInt64 {
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
        }
        return max(1, hash)
    }
}

/// How things stand with a member.
public struct MemberStatus: Sendable, Equatable {
    public struct Member: Sendable, Equatable {
        public var number: UInt64
        public var name: String
        public var peerAddress: String
        public var isVoter: Bool
    }

    public var cluster: UInt64
    public var me: UInt64
    public var leader: UInt64?
    public var term: UInt64
    public var members: [Member]
    /// The newest entry that is committed, and the newest in the log.
    public var committedIndex: UInt64
    public var lastIndex: UInt64
    public var revision: Revision
    public var logBytes: Int
    /// The newest revision at which this member, leading, found that a majority holds the same as
    /// it does.
    public var comparedRevision: Revision
    /// Frames from other members that cannot be read, and messages that no correct member sends.
    public var faultCount: Int
}

/// Members that hold different things at one revision, by the sums of what they hold.
public enum StoreDifference: Sendable, Equatable {
    /// This member holds something else than a majority. It has stopped; the others let it in anew,
    /// under the successor's number, and give it their log, unless they have done so too often.
    case thisMember(revision: Revision, sum: UInt64, majority: UInt64, successor: UInt64?)
    /// This one leads, and another member holds something else than a majority. It is told.
    case member(UInt64, name: String, revision: Revision, sum: UInt64, majority: UInt64)
    /// What this member has in memory is not what was put there. If that matters, it differs from
    /// the others now, and that is found as well.
    case index(revision: Revision)
    /// No majority holds the same, so nobody can tell who is right, and nothing is done about it.
    /// The sums of those who have answered, by their numbers.
    case noMajority(revision: Revision, sums: [UInt64: UInt64])
}

/// A change of who belongs to the cluster.
public enum MemberChange: Sendable, Equatable {
    /// Adds a member that gets the log and does not decide yet.
    case addLearner(UInt64, ClusterOptions.Founder)
    /// Lets a learner that has the log decide.
    case promote(UInt64)
    case remove(UInt64)
}

/// Why the cluster's members were not changed: one sentence.
public struct MemberChangeRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ refusal: RaftRefusal) {
        description =
            switch refusal {
            case .notLeader: "this member does not lead: ask the one that does"
            case .transferring: "leadership is being handed over: try again"
            case .busy: "too much is not committed yet: try again"
            case .notReady: "the leader has just been elected: try again"
            case .changeInProgress: "another change of members is under way: try again"
            case .alreadyMember(let id): "\(id) is a member already"
            case .notMember(let id): "\(id) is no member"
            case .notLearner(let id): "\(id) is not a learner, so it cannot be promoted"
            case .notVoter(let id): "\(id) is not a voter"
            case .tooManyMembers(let max): "a cluster has at most \(max) members"
            case .learnerBehind(let id, let entries):
                "\(id) lacks \(entries) entries, or has not been heard of: wait until it has caught up"
            case .noVoterLeft: "a cluster needs a voter"
            case .quorumAtRisk: "too few of the voters to come have been heard of lately"
            case .cannotLead(let id): "\(id) cannot lead: it has to be another voter"
            }
    }

    init(unreachable: Void) { description = "the store is closed" }
}
