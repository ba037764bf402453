internal import Raft
internal import StoreCore

/// What waits for the writing thread. Bounded; what does not fit is refused, or, if it comes from
/// another member, dropped.
struct Inbox: Sendable {
    /// Something else than a proposal.
    enum Call: Sendable {
        /// Wants to know that this member has what was committed when the call came.
        case read(Completion)
        case change([MembershipChange], [MemberID: ClusterMembers.Address],
                    @Sendable (RaftRefusal?) -> Void)
        case unreachable(MemberID)
        /// Somebody has found damage, which the error tells of.
        case damaged(StoreError)
        /// All of the log has been read, and nothing was wrong with it.
        case sound
        case transfer(MemberID?, @Sendable (RaftRefusal?) -> Void)
    }

    var proposals: ProposalQueue
    /// A frame, and who sent it, as the connection has proven.
    struct Frame: Sendable {
        var bytes: [UInt8]
        var sender: String
    }

    private(set) var frames: [Frame] = []
    private var frameBytes = 0
    private(set) var calls: [Call] = []
    var isClosed = false
    /// The writer sleeps until so many proposals wait.
    var wakesAt = 1
    /// What is listened to while the writer waits for the disk.
    var listening = Listening.none

    enum Listening: Sendable {
        case none
        /// Proposals queue up until the disk is done: together they are the next group.
        case allButProposals
        case all
    }

    /// Whether something has come that is listened to.
    var isHeard: Bool {
        switch listening {
        case .none: false
        case .allButProposals: !frames.isEmpty || !calls.isEmpty
        case .all: !isEmpty
        }
    }

    private static let frameBytesMax = 128 * 1024 * 1024
    private static let callsMax = 100_000

    init(_ proposals: ProposalQueue) { self.proposals = proposals }

    var isEmpty: Bool { proposals.waiting.isEmpty && frames.isEmpty && calls.isEmpty }

    /// Frames are lost now and then anyway.
    mutating func add(_ frame: Frame) {
        guard !isClosed, frameBytes + frame.bytes.count <= Self.frameBytesMax else { return }
        frames.append(frame)
        frameBytes += frame.bytes.count
    }

    /// Returns whether there was room.
    mutating func add(_ call: Call) -> Bool {
        guard !isClosed, calls.count < Self.callsMax else { return false }
        calls.append(call)
        return true
    }

    /// What one round of the writing thread takes.
    struct Taken: Sendable {
        var proposals: [ProposalQueue.Waiting] = []
        var frames: [Frame] = []
        var calls: [Call] = []
        var isClosed = false
    }

    mutating func take() -> Taken {
        defer { (frames, frameBytes, calls) = ([], 0, []) }
        return Taken(
            proposals: listening == .allButProposals ? [] : proposals.take(), frames: frames,
            calls: calls, isClosed: isClosed)
    }
}
