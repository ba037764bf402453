package import Raft
package import StoreCore

/// What a heartbeat, or the answer to one, says besides of what members hold at some revision. A
/// member of an older version skips it, and answers without.
package struct StateNote: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        /// Of a leader: what do you hold at this revision?
        case question
        /// Of a follower: this.
        case answer(UInt64)
        /// Of a leader: these voters, a majority, hold this.
        case verdict(UInt64, agreed: [MemberID])
    }

    package var revision: Revision
    package var content: Content

    package init(_ revision: Revision, _ content: Content) {
        (self.revision, self.content) = (revision, content)
    }

    /// How sums are made. Whoever makes them in another way does not compare.
    private static let scheme: UInt64 = 1
    private static let agreedMax = 64

    private enum Kind: UInt64 { case question = 1, answer, verdict }

    func encoded() -> [UInt8] {
        var (kind, sum, agreed): (Kind, UInt64, [MemberID]) = (.question, 0, [])
        switch content {
        case .question: break
        case .answer(let own): (kind, sum) = (.answer, own)
        case .verdict(let theirs, let voters): (kind, sum, agreed) = (.verdict, theirs, voters)
        }
        var bytes: [UInt8] = []
        bytes.append(field: 1, varint: Self.scheme)
        bytes.append(field: 2, varint: kind.rawValue)
        bytes.append(field: 3, varint: UInt64(bitPattern: revision.number))
        bytes.append(field: 4, fixed: sum)
        for voter in agreed { bytes.append(field: 5, fixed: voter.number) }
        return bytes
    }

    /// Nil if it is of another scheme or kind.
    init?(_ bytes: [UInt8]) throws(PeerFrameError) {
        var (scheme, kind, revision, sum): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var agreed: [MemberID] = []
        let raw = bytes.raw
        var reader = FieldReader(raw, in: 0..<raw.byteCount)
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3: scheme = try reader.varint()
            case 2 << 3: kind = try reader.varint()
            case 3 << 3: revision = try reader.varint()
            case 4 << 3 | 1: sum = try reader.fixed()
            case 5 << 3 | 1:
                guard agreed.count < Self.agreedMax else { throw reader.failure }
                agreed.append(MemberID(try reader.fixed()))
            default: try reader.skip(tag)
            }
        }
        guard scheme == Self.scheme, let kind = Kind(rawValue: kind) else { return nil }
        self.revision = Revision(Int64(bitPattern: revision))
        switch kind {
        case .question: content = .question
        case .answer: content = .answer(sum)
        case .verdict: content = .verdict(sum, agreed: agreed)
        }
    }
}
