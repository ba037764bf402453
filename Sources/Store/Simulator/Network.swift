internal import StoreHistory

/// The links between nodes, each direction by itself. A message is lost, late, doubled or
/// overtaken; what arrives, arrives whole.
struct Network {
    struct Link {
        var isCut = false
        /// Nothing gets through before; then all of it does.
        var cloggedUntil = Moment(0)
        /// What is larger is lost.
        var bytesMax = Int.max
        /// Of the newest message sent, and of the newest delivered.
        var sent: UInt64 = 0
        var delivered: UInt64 = 0
        /// The newest message sent when the calm began.
        var sentBefore: UInt64 = 0
    }

    private var links: [Link]
    private let nodes: Int
    /// What goes wrong by chance, at the moment.
    var lossPermille = 0
    var duplicationPermille = 0
    var delayPermille = 0
    /// How much longer some messages take than others.
    var jitterMicroseconds: Int64
    let calmJitterMicroseconds: Int64

    init(nodes: Int, calmJitterMicroseconds: Int64) {
        self.nodes = nodes
        self.calmJitterMicroseconds = calmJitterMicroseconds
        jitterMicroseconds = calmJitterMicroseconds
        links = [Link](repeating: Link(), count: nodes * nodes)
    }

    subscript(from: Int, to: Int) -> Link {
        get { links[from * nodes + to] }
        set { links[from * nodes + to] = newValue }
    }

    /// Every link works again.
    mutating func heal() {
        for place in links.indices {
            (links[place].isCut, links[place].cloggedUntil) = (false, Moment(0))
            links[place].bytesMax = .max
        }
        (lossPermille, duplicationPermille, delayPermille) = (0, 0, 0)
        // Whoever needs a whole log is to get it in the time that is left.
        jitterMicroseconds = min(calmJitterMicroseconds, 30_000)
    }

    /// Cuts the links from `some` nodes to all others, and back if `isSymmetric`.
    mutating func cut(_ some: Set<Int>, isSymmetric: Bool) {
        for from in some {
            for to in 0..<nodes where !some.contains(to) {
                self[from, to].isCut = true
                if isSymmetric { self[to, from].isCut = true }
            }
        }
    }

    /// Loses what is larger than so many bytes, from a node to all others.
    mutating func limit(from node: Int, to bytesMax: Int) {
        for to in 0..<nodes { self[node, to].bytesMax = bytesMax }
    }

    mutating func noteCalm() {
        for place in links.indices { links[place].sentBefore = links[place].sent }
    }

    /// Whether all that is sent arrives in time.
    func isSound(_ now: Moment) -> Bool {
        lossPermille == 0 && duplicationPermille == 0 && delayPermille == 0
            && links.allSatisfy { !$0.isCut && $0.cloggedUntil <= now && $0.bytesMax == .max }
    }

    var isCut: Bool { links.contains(where: \.isCut) }

    mutating func mend() {
        for place in links.indices { links[place].isCut = false }
    }
}
