internal import StoreHistory

/// What is to happen in a world.
enum WorldEvent {
    case tick(node: Int, incarnation: Int)
    /// Ticks are to come again that were left out, if those were of the same calm.
    case stir(calm: Int)
    case message(to: Int, from: Int, MemberNumber, [UInt8], serial: UInt64)
    case disk(node: Int, incarnation: Int)
    case start(node: Int)
    case request(node: Int, RequestNumber, Request)
    case answer(RequestNumber, Answer)
    case disconnected(RequestNumber)
    case wake(client: Int)
    case timeout(client: Int, RequestNumber)
    case silence(client: Int, RequestNumber, Moment)
    case nemesis
    case relief(Relief)
    case upgrade(node: Int)
    case swapAway
    case depose
    /// A member's memory changes.
    case disturb
    case contest
    /// The end of a leader's isolation, which began in this term.
    case restore(nodes: [Int], term: UInt64)
    case cut(nodes: [Int], isSymmetric: Bool)
    case fail(node: Int, incarnation: Int, SimulatedDisk.Loss)
    case failVoter(node: Int, incarnation: Int)
    case secondCrash(node: Int, incarnation: Int)
    case operate
    /// Clients look after their leases.
    case leases
    case heal
    case check
}

/// The end of a fault that lasts.
enum Relief {
    case loss, duplication, delay, jitter, partition
    case largeLost(node: Int)
    case fullDisk(node: Int)
    case skew(node: Int)
}

/// What a world is about.
enum Phase { case chaos, healing, settling, reading, done }

/// Where the answer to a request goes.
struct PendingRequest {
    var client: Int
    var node: Int
    /// When the answer before arrives: they do not overtake each other.
    var answered = Moment(0)
}

/// What a member had in it when it had applied the log up to some place.
struct AppliedState {
    var member: MemberNumber
    var term: UInt64
    var hash: UInt64
}
