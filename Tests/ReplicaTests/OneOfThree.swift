import Raft
import Replica
import StoreCore

/// Members 1, 2 and 3, of whom 1 is a replica with one segment in memory; the test speaks for the
/// others.
struct OneOfThree: ~Copyable {
    var replica: Replica
    var core: StoreState
    var effects = ReplicaEffects()
    private var memory: Memory

    private struct Memory: SegmentFiles {
        var bytes: [UInt8]

        func withSegment<Result>(
            _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
        ) throws(StoreError) -> Result {
            let bytes = bytes.raw
            return try body(bytes)
        }
    }

    /// - Parameters:
    ///   - entry: The only one that its log had when it started.
    ///   - term: In which it started.
    init(found entry: EntryHeader? = nil, in term: Term = .none) {
        let members = ClusterMembers(
            cluster: 1,
            membership: Membership(voters: [MemberID(1), MemberID(2), MemberID(3)]))
        let header = SegmentHeader(salt: 7, sequence: 1, fileBytes: 1 << 20)
        var found = LogRecovery(of: IdentityFile(member: MemberID(1), founders: members))
            .begin(in: header)
        found.log.hardState = HardState(term: term)
        if let entry {
            let place = Place(segment: 1, offset: UInt32(SegmentHeader.byteCount))
            found.log.log.append(entry)
            found.log.table.append(
                PlacedEntry(
                    index: LogIndex(1), term: entry.term, kind: .noop, place: place,
                    payloadBytes: entry.bytes))
            found.log.position.last = EntryID(index: LogIndex(1), term: entry.term)
        }
        replica = Replica(
            configuration: RaftConfiguration(id: MemberID(1)), recovered: found.log, seed: 1)
        core = found.takeCore()
        let header64 = header.encoded()
        memory = Memory(
            bytes: header64 + [UInt8](repeating: 0, count: header.fileBytes - header64.count))
    }

    mutating func tick() { replica.tick(&core, &effects) }

    mutating func receive(
        from member: UInt64, term: UInt64, _ body: RaftMessage.Body,
        payloads: [EntryPayload] = [], note: StateNote? = nil
    ) {
        replica.receive(
            RaftMessage(from: MemberID(member), to: MemberID(1), term: Term(term), body: body),
            payloads: payloads, note: note, &core, &effects)
    }

    mutating func publish() throws(StoreError) {
        try replica.publish(&core, memory, &effects)
    }

    mutating func write() throws(StoreError) {
        while let write = replica.beginWrite() {
            memory.bytes.replaceSubrange(
                write.offset..<write.offset + write.bytes.count, with: write.bytes)
            replica.synced(&core, &effects)
            try replica.publish(&core, memory, &effects)
        }
    }

    mutating func noteSynced() { replica.synced(&core, &effects) }

    mutating func propose(_ key: String) throws(StoreError) {
        try propose(.put(key: Array(key.utf8), value: [1], expected: nil, lease: .none))
    }

    mutating func propose(_ proposal: Proposal) throws(StoreError) {
        try replica.propose(proposal, ticket: ProposalTicket(1), &core, memory, &effects)
        replica.endRound(&core, &effects)
    }

    func payloads(of message: RaftMessage) throws(StoreError) -> [EntryPayload]? {
        try replica.payloads(of: message, memory)
    }

    /// Becomes the leader of term 1, which 2 and 3 know.
    mutating func lead() throws(StoreError) {
        while !effects.messages.contains(where: { $0.isPreVote }) { tick() }
        receive(from: 2, term: 0, .preVoteAnswer(candidacy: Term(1), isGranted: true))
        try write()
        receive(from: 2, term: 1, .voteAnswer(isGranted: true))
        try write()
        for member: UInt64 in [2, 3] {
            receive(from: member, term: 1, .accepted(through: LogIndex(1)))
        }
        try replica.publish(&core, memory, &effects)
        effects.messages = []
    }
}

extension RaftMessage {
    fileprivate var isPreVote: Bool { if case .preVote = body { true } else { false } }
}
