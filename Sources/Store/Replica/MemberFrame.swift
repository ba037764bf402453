package import Raft
package import StoreCore

/// Anything that one member sends to another.
package enum MemberFrame: Sendable, Equatable {
    case raft(PeerFrame)
    /// Asks the leader to decide a proposal.
    case proposal(Envelope, number: UInt64, body: [UInt8])
    case answer(Envelope, number: UInt64, ForwardedAnswer)
    case snapshot(Envelope, SnapshotMessage)
    /// Asks to be let in under another number. It may be for nobody: whoever gets it.
    case exchange(Envelope, MemberExchange)
    /// Where a founder stands. It is for nobody: numbers may have changed since.
    case founding(Envelope, FoundingStatement)

    package struct Envelope: Sendable, Equatable {
        package var cluster: UInt64
        package var from: MemberID
        package var to: MemberID

        package init(cluster: UInt64, from: MemberID, to: MemberID) {
            (self.cluster, self.from, self.to) = (cluster, from, to)
        }
    }

    package var envelope: Envelope {
        switch self {
        case .raft(let frame):
            Envelope(cluster: frame.cluster, from: frame.message.from, to: frame.message.to)
        case .proposal(let envelope, _, _), .answer(let envelope, _, _),
            .snapshot(let envelope, _), .exchange(let envelope, _),
            .founding(let envelope, _):
            envelope
        }
    }

    package func encoded() -> [UInt8] {
        if case .raft(let frame) = self { return frame.encoded() }
        var fields = PeerFields(
            cluster: envelope.cluster, from: envelope.from.number, to: envelope.to.number)
        switch self {
        case .raft: break
        case .proposal(_, let number, let body):
            fields.kind = PeerKind.proposal.rawValue
            (fields.context, fields.body) = (number, body)
        case .answer(_, let number, let answer):
            fields.kind = PeerKind.proposalAnswer.rawValue
            (fields.context, fields.body) = (number, answer.encoded())
        case .snapshot(_, let message):
            fields.kind = PeerKind.snapshot.rawValue
            fields.body = message.encoded()
        case .exchange(_, let exchange):
            fields.kind = PeerKind.exchange.rawValue
            fields.body = exchange.encoded()
        case .founding(_, let statement):
            fields.kind = PeerKind.founding.rawValue
            fields.body = statement.encoded()
        }
        var bytes: [UInt8] = []
        fields.write(to: &bytes)
        return bytes
    }

    /// - Throws: ``PeerFrameError`` if the bytes are no message between members.
    package init(_ bytes: RawSpan) throws(PeerFrameError) {
        var reader = FieldReader(bytes, in: 0..<bytes.byteCount)
        let fields = try PeerFields(&reader)
        let envelope = Envelope(
            cluster: fields.cluster, from: MemberID(fields.from), to: MemberID(fields.to))
        switch PeerKind(rawValue: fields.kind) {
        case .proposal: self = .proposal(envelope, number: fields.context, body: fields.body)
        case .proposalAnswer:
            self = .answer(envelope, number: fields.context, try ForwardedAnswer(fields.body))
        case .snapshot:
            guard let message = SnapshotMessage(fields.body) else {
                throw PeerFrameError(offset: 0)
            }
            self = .snapshot(envelope, message)
        case .exchange: self = .exchange(envelope, try MemberExchange(fields.body))
        case .founding: self = .founding(envelope, try FoundingStatement(fields.body))
        case nil: throw PeerFrameError(offset: 0, unknownKind: fields.kind)
        default:
            guard let frame = try PeerFrame(fields) else { throw PeerFrameError(offset: 0) }
            self = .raft(frame)
        }
    }
}

/// What became of a forwarded proposal, as far as the leader has to tell.
package struct ForwardedAnswer: Sendable, Equatable {
    /// The answer holds once the log is published up to here.
    package var index: LogIndex
    package var result: Result<Outcome, StoreError>

    package struct Outcome: Sendable, Equatable {
        package var revision: Revision
        package var succeeded: Bool
        /// Whether it changed something.
        package var isLogged: Bool

        package init(revision: Revision, succeeded: Bool, isLogged: Bool) {
            (self.revision, self.succeeded, self.isLogged) = (revision, succeeded, isLogged)
        }
    }

    package init(index: LogIndex, _ result: Result<Decision, StoreError>) {
        self.index = index
        self.result = result.map {
            Outcome(revision: $0.revision, succeeded: $0.succeeded, isLogged: $0.isLogged)
        }
    }

    private enum Refusal: UInt64 {
        case none, notLeader, outcomeUnknown, compacted, future, conflict, leaseNotFound, tooLarge
        case overloaded, noSpace, refused
    }

    func encoded() -> [UInt8] {
        var (refusal, detail, other): (Refusal, Int64, Int64) = (.none, 0, 0)
        var outcome = Outcome(revision: .none, succeeded: false, isLogged: false)
        switch result {
        case .success(let made): outcome = made
        case .failure(.noLeader): refusal = .notLeader
        case .failure(.outcomeUnknown), .failure(.closed): refusal = .outcomeUnknown
        case .failure(.compacted(let requested, let oldest)):
            (refusal, detail, other) = (.compacted, requested.number, oldest.number)
        case .failure(.future(let requested, let current)):
            (refusal, detail, other) = (.future, requested.number, current.number)
        case .failure(.conflict(let current)): (refusal, detail) = (.conflict, current.number)
        case .failure(.leaseNotFound(let lease)):
            (refusal, detail) = (.leaseNotFound, lease.number)
        case .failure(.tooLarge): refusal = .tooLarge
        case .failure(.overloaded): refusal = .overloaded
        case .failure(.noSpace): refusal = .noSpace
        case .failure: refusal = .refused
        }
        var bytes: [UInt8] = []
        bytes.append(field: 1, varint: index.number)
        bytes.append(field: 2, varint: UInt64(bitPattern: outcome.revision.number))
        bytes.append(field: 3, varint: outcome.succeeded ? 1 : 0)
        bytes.append(field: 4, varint: refusal.rawValue)
        bytes.append(field: 5, varint: UInt64(bitPattern: detail))
        bytes.append(field: 6, varint: UInt64(bitPattern: other))
        bytes.append(field: 7, varint: outcome.isLogged ? 1 : 0)
        return bytes
    }

    init(_ bytes: [UInt8]) throws(PeerFrameError) {
        var (numbers, index) = ([UInt64](repeating: 0, count: 8), LogIndex.zero)
        let raw = bytes.raw
        var reader = FieldReader(raw, in: 0..<raw.byteCount)
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3: index = LogIndex(try reader.varint())
            case 2 << 3, 3 << 3, 4 << 3, 5 << 3, 6 << 3, 7 << 3:
                numbers[Int(tag >> 3)] = try reader.varint()
            default: try reader.skip(tag)
            }
        }
        guard let refusal = Refusal(rawValue: numbers[4]) else { throw reader.failure }
        self.index = index
        let detail = Int64(bitPattern: numbers[5])
        let other = Int64(bitPattern: numbers[6])
        result =
            switch refusal {
            case .none:
                .success(
                    Outcome(
                        revision: Revision(Int64(bitPattern: numbers[2])),
                        succeeded: numbers[3] != 0, isLogged: numbers[7] != 0))
            case .notLeader: .failure(.noLeader)
            case .outcomeUnknown: .failure(.outcomeUnknown)
            case .compacted:
                .failure(.compacted(requested: Revision(detail), oldest: Revision(other)))
            case .future: .failure(.future(requested: Revision(detail), current: Revision(other)))
            case .conflict: .failure(.conflict(current: Revision(detail)))
            case .leaseNotFound: .failure(.leaseNotFound(LeaseID(detail)))
            case .tooLarge: .failure(.tooLarge)
            case .overloaded: .failure(.overloaded)
            case .noSpace: .failure(.noSpace)
            case .refused: .failure(.closed)
            }
    }
}
