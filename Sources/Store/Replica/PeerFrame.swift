package import Raft
internal import StoreCore

/// A message between members as bytes: `martlet.peer.v1.PeerMessage` of proto/martlet/v1/peer.proto.
package struct PeerFrame: Sendable, Equatable {
    package var cluster: UInt64
    package var message: RaftMessage
    /// Of the entries of an append.
    package var payloads: [EntryPayload]
    /// `HOST:PORT` of the sender, if it says so.
    package var address = ""
    /// What it says besides of what members hold.
    package var note: StateNote?

    package init(cluster: UInt64, message: RaftMessage, payloads: [EntryPayload] = []) {
        (self.cluster, self.message, self.payloads) = (cluster, message, payloads)
    }

    /// Whether the receiver may hear of the sender by this message first: its log may be behind
    /// the one that named the sender a member.
    package var introduces: Bool {
        switch message.body {
        case .heartbeat, .preVote, .vote, .snapshotOffer: true
        default: false
        }
    }

    /// A frame that a peer may send has at most so many bytes.
    package static let bytesMax = 64 * 1024 * 1024
    /// An append has at most so many entries.
    static let entriesMax = 65_536
}

/// Numbers on the wire: those of the enum in the .proto file.
enum PeerKind: UInt64 {
    case preVote = 1
    case preVoteAnswer, vote, voteAnswer, append, accepted, rejected, heartbeat
    case heartbeatAnswer, staleTerm, read, readAnswer, timeoutNow, snapshotOffer
    case proposal, proposalAnswer, snapshot, exchange
    case founding = 21
}

/// The fields of a message, by their names in the .proto file.
struct PeerFields {
    var cluster: UInt64 = 0
    var from: UInt64 = 0
    var to: UInt64 = 0
    var term: UInt64 = 0
    var kind: UInt64 = 0
    var position = EntryID.zero
    var committed = LogIndex.zero
    var round: UInt64 = 0
    var yes = false
    var hint = EntryID.zero
    var incarnation: UInt64 = 0
    var context: UInt64 = 0
    var entries: [(term: Term, payload: EntryPayload)] = []
    var membership: [UInt8] = []
    var body: [UInt8] = []
    var address: [UInt8] = []
    var note: [UInt8] = []
}

// MARK: Writing

extension PeerFrame {
    /// - Parameter prefix: What comes before it.
    package func encoded(behind prefix: [UInt8] = []) -> [UInt8] {
        var fields = PeerFields(
            cluster: cluster, from: message.from.number, to: message.to.number,
            term: message.term.number)
        fields.take(message.body, cluster: cluster, payloads)
        if !address.isEmpty { fields.address = Array(address.utf8) }
        fields.note = note?.encoded() ?? []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payloads.reduce(prefix.count + 96) { $0 + 24 + $1.bytes.count })
        bytes += prefix
        fields.write(to: &bytes)
        return bytes
    }
}

extension PeerFields {
    mutating func take(
        _ body: RaftMessage.Body, cluster: UInt64, _ payloads: [EntryPayload]
    ) {
        switch body {
        case .preVote(let last): take(.preVote, last)
        case .preVoteAnswer(let candidacy, let isGranted):
            take(.preVoteAnswer)
            (round, yes) = (candidacy.number, isGranted)
        case .vote(let last, let isTransfer):
            take(.vote, last)
            yes = isTransfer
        case .voteAnswer(let isGranted):
            take(.voteAnswer)
            yes = isGranted
        case .append(let previous, let headers, let committed):
            take(.append, previous)
            self.committed = committed
            entries = zip(headers, payloads).map { ($0.term, $1) }
        case .accepted(let through): take(.accepted, EntryID(index: through, term: .none))
        case .rejected(let previous, let hint):
            take(.rejected, EntryID(index: previous, term: .none))
            self.hint = hint
        case .heartbeat(let committed, let round):
            take(.heartbeat)
            (self.committed, self.round) = (committed, round)
        case .heartbeatAnswer(let round):
            take(.heartbeatAnswer)
            self.round = round
        case .staleTerm: take(.staleTerm)
        case .read(let ticket): take(.read, ticket)
        case .readAnswer(let ticket, let index):
            take(.readAnswer, ticket)
            position = EntryID(index: index ?? .zero, term: .none)
            yes = index != nil
        case .timeoutNow: take(.timeoutNow)
        case .snapshotOffer(let snapshot):
            take(.snapshotOffer, snapshot.last)
            membership = ClusterMembers(cluster: cluster, membership: snapshot.membership).encoded()
        }
    }

    private mutating func take(_ kind: PeerKind, _ position: EntryID = .zero) {
        (self.kind, self.position) = (kind.rawValue, position)
    }

    private mutating func take(_ kind: PeerKind, _ ticket: ReadTicket) {
        self.kind = kind.rawValue
        (incarnation, context) = (ticket.incarnation, ticket.context.number)
    }

    func write(to bytes: inout [UInt8]) {
        bytes.append(field: 1, fixed: cluster)
        bytes.append(field: 2, fixed: from)
        bytes.append(field: 3, fixed: to)
        bytes.append(field: 4, varint: term)
        bytes.append(field: 5, varint: kind)
        bytes.append(field: 6, varint: position.index.number)
        bytes.append(field: 7, varint: position.term.number)
        bytes.append(field: 8, varint: committed.number)
        bytes.append(field: 9, varint: round)
        bytes.append(field: 10, varint: yes ? 1 : 0)
        bytes.append(field: 11, varint: hint.index.number)
        bytes.append(field: 12, varint: hint.term.number)
        bytes.append(field: 13, fixed: incarnation)
        bytes.append(field: 14, varint: context)
        for (term, payload) in entries {
            var head: [UInt8] = []
            head.append(field: 1, varint: term.number)
            head.append(field: 2, varint: UInt64(payload.kind.rawValue))
            if !payload.bytes.isEmpty {
                head.append(varint: 3 << 3 | 2)
                head.append(varint: UInt64(payload.bytes.count))
            }
            bytes.append(varint: 15 << 3 | 2)
            bytes.append(varint: UInt64(head.count + payload.bytes.count))
            bytes += head
            bytes += payload.bytes
        }
        bytes.append(field: 16, bytes: membership)
        bytes.append(field: 17, bytes: body)
        bytes.append(field: 18, bytes: address)
        bytes.append(field: 19, bytes: note)
    }
}

// MARK: Reading

/// Bytes that are no message between members.
package struct PeerFrameError: Error, Equatable, Sendable {
    /// Where it goes wrong, in bytes from the beginning.
    package let offset: Int
    /// The kind of message that the bytes say they are, if there is no such kind.
    package var unknownKind: UInt64?
}

extension PeerFrame {
    /// Reads a frame. Fields that this program does not know are skipped, as protobuf wants it.
    ///
    /// - Throws: ``PeerFrameError`` if the bytes are cut short, contradict themselves or lack what
    ///   their kind needs.
    package init(_ bytes: RawSpan) throws(PeerFrameError) {
        var reader = FieldReader(bytes, in: 0..<bytes.byteCount)
        let fields = try PeerFields(&reader)
        guard let read = try PeerFrame(fields) else { throw PeerFrameError(offset: 0) }
        self = read
    }

    /// Nil if the fields lack something, or are of a message that is not Raft's.
    init?(_ fields: PeerFields) throws(PeerFrameError) {
        guard let body = fields.raftBody else { return nil }
        self.init(
            cluster: fields.cluster,
            message: RaftMessage(
                from: MemberID(fields.from), to: MemberID(fields.to), term: Term(fields.term),
                body: body),
            payloads: fields.entries.map(\.payload))
        if !fields.address.isEmpty { address = String(decoding: fields.address, as: UTF8.self) }
        note = fields.note.isEmpty ? nil : try StateNote(fields.note)
    }
}

extension PeerFields {
    init(_ reader: inout FieldReader) throws(PeerFrameError) {
        self.init()
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 1: cluster = try reader.fixed()
            case 2 << 3 | 1: from = try reader.fixed()
            case 3 << 3 | 1: to = try reader.fixed()
            case 4 << 3: term = try reader.varint()
            case 5 << 3: kind = try reader.varint()
            case 6 << 3: position = EntryID(index: LogIndex(try reader.varint()), term: position.term)
            case 7 << 3: position = EntryID(index: position.index, term: Term(try reader.varint()))
            case 8 << 3: committed = LogIndex(try reader.varint())
            case 9 << 3: round = try reader.varint()
            case 10 << 3: yes = try reader.varint() != 0
            case 11 << 3: hint = EntryID(index: LogIndex(try reader.varint()), term: hint.term)
            case 12 << 3: hint = EntryID(index: hint.index, term: Term(try reader.varint()))
            case 13 << 3 | 1: incarnation = try reader.fixed()
            case 14 << 3: context = try reader.varint()
            case 15 << 3 | 2:
                guard entries.count < PeerFrame.entriesMax else { throw reader.failure }
                entries.append(try Self.entry(&reader))
            case 16 << 3 | 2: membership = try reader.bytes()
            case 17 << 3 | 2: body = try reader.bytes()
            case 18 << 3 | 2: address = try reader.bytes()
            case 19 << 3 | 2: note = try reader.bytes()
            default: try reader.skip(tag)
            }
        }
    }

    private static func entry(
        _ reader: inout FieldReader
    ) throws(PeerFrameError) -> (term: Term, payload: EntryPayload) {
        var (term, kind, payload): (Term, RecordKind?, [UInt8]) = (.none, nil, [])
        let outer = try reader.enter()
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3: term = Term(try reader.varint())
            case 2 << 3: kind = RecordKind(rawValue: UInt8(clamping: try reader.varint()))
            case 3 << 3 | 2: payload = try reader.bytes()
            default: try reader.skip(tag)
            }
        }
        reader.leave(to: outer)
        guard let kind, kind.isEntry else { throw reader.failure }
        return (term, EntryPayload(kind: kind, bytes: payload))
    }

    /// What the fields say to Raft; nil if they lack something.
    var raftBody: RaftMessage.Body? {
        guard let kind = PeerKind(rawValue: kind) else { return nil }
        let ticket = ReadTicket(incarnation: incarnation, context: ReadContext(context))
        switch kind {
        case .preVote: return .preVote(last: position)
        case .preVoteAnswer: return .preVoteAnswer(candidacy: Term(round), isGranted: yes)
        case .vote: return .vote(last: position, isTransfer: yes)
        case .voteAnswer: return .voteAnswer(isGranted: yes)
        case .append:
            guard let headers else { return nil }
            return .append(previous: position, entries: headers, committed: committed)
        case .accepted: return .accepted(through: position.index)
        case .rejected: return .rejected(previous: position.index, hint: hint)
        case .heartbeat: return .heartbeat(committed: committed, round: round)
        case .heartbeatAnswer: return .heartbeatAnswer(round: round)
        case .staleTerm: return .staleTerm
        case .read: return .read(ticket)
        case .readAnswer: return .readAnswer(ticket, yes ? position.index : nil)
        case .timeoutNow: return .timeoutNow
        case .snapshotOffer:
            guard let members = ClusterMembers(membership.raw) else { return nil }
            return .snapshotOffer(Snapshot(last: position, membership: members.membership))
        case .proposal, .proposalAnswer, .snapshot, .exchange, .founding: return nil
        }
    }

    private var headers: [EntryHeader]? {
        var headers: [EntryHeader] = []
        headers.reserveCapacity(entries.count)
        for (term, payload) in entries {
            guard let kind = EntryKind(of: payload) else { return nil }
            headers.append(EntryHeader(term: term, kind: kind, bytes: payload.bytes.count))
        }
        return headers
    }
}

extension EntryKind {
    /// What an entry is to consensus, by its payload; nil if that is not what its kind says.
    init?(of payload: EntryPayload) {
        switch payload.kind {
        case .noop: self = .noop
        case .membership:
            guard let members = ClusterMembers(payload.bytes.raw) else { return nil }
            self = .membership(members.membership)
        default: self = .ordinary
        }
    }
}
