package import Raft
package import StoreCore

/// Who waits for an answer: a number that the caller gives out.
package struct ProposalTicket: Hashable, Sendable {
    package let number: Int

    package init(_ number: Int) { self.number = number }
}

/// What a member wants done after a call. Filled by every call; the caller empties it.
package struct ReplicaEffects: Sendable {
    package struct Answer: Sendable {
        package var ticket: ProposalTicket
        package var result: Result<Decision, StoreError>

        package init(ticket: ProposalTicket, result: Result<Decision, StoreError>) {
            (self.ticket, self.result) = (ticket, result)
        }
    }

    /// To be sent to other members; `Replica.payloads` has what goes with appends.
    package var messages: [RaftMessage] = []
    package var answers: [Answer] = []
    /// What is committed now, in order, for those who watch.
    package var changes: [AppliedChange] = []
    /// The store's newest committed revision, if it moved.
    package var published: Revision?
    /// History before some revision was given up: what that frees can be freed.
    package var isCompacted = false
    /// Survivors that are on disk now, where they were copied to.
    package var moves: [Decision.Move] = []
    /// Segments whose retirement is on disk.
    package var retired: [UInt32] = []
    package var role: RaftRole?
    /// The cluster's members, if that changed.
    package var members: ClusterMembers?
    /// These members lack what is not kept any more.
    package var snapshotsNeeded: [MemberID] = []
    /// The leader has a snapshot that this member is to fetch.
    package var snapshotOffered: RaftActions.Offer?
    /// Peers that said what no correct member says.
    package var faults: [(from: MemberID, fault: RaftFault)] = []
    /// Members hold different things.
    package var findings: [StateFinding] = []

    package init() {}

    package var isEmpty: Bool {
        guard messages.isEmpty, answers.isEmpty, changes.isEmpty, published == nil, !isCompacted,
            moves.isEmpty, retired.isEmpty, snapshotsNeeded.isEmpty, faults.isEmpty,
            findings.isEmpty
        else { return false }
        // `== nil` would copy what may be there.
        if case _? = role { return false }
        if case _? = members { return false }
        if case _? = snapshotOffered { return false }
        return true
    }

    /// Empties it, and keeps the room that it has.
    package mutating func removeAll() {
        if !messages.isEmpty { messages.removeAll(keepingCapacity: true) }
        if !answers.isEmpty { answers.removeAll(keepingCapacity: true) }
        if !changes.isEmpty { changes.removeAll(keepingCapacity: true) }
        (published, isCompacted) = (nil, false)
        if !moves.isEmpty { moves.removeAll() }
        if !retired.isEmpty { retired.removeAll() }
        (role, members) = (nil, nil)
        if !snapshotsNeeded.isEmpty { snapshotsNeeded.removeAll() }
        snapshotOffered = nil
        if !faults.isEmpty { faults.removeAll() }
        if !findings.isEmpty { findings.removeAll() }
    }
}

/// An entry's payload, on its way from one member to another.
package struct EntryPayload: Sendable, Equatable {
    package var kind: RecordKind
    package var bytes: [UInt8]

    package init(kind: RecordKind, bytes: [UInt8]) { (self.kind, self.bytes) = (kind, bytes) }
}

/// The files of a member's log, as far as deciding needs them. What has been written can be read,
/// synced or not.
package protocol SegmentFiles {
    /// Lends the bytes of a segment.
    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result
}

extension SegmentFiles {
    /// The value of the change at `place`.
    func value(at place: Place) throws(StoreError) -> [UInt8] {
        try withSegment(place.segment) { bytes throws(StoreError) in
            guard let change = Change(checkedAt: Int(place.offset), in: bytes) else {
                throw StoreError.damaged(
                    file: "segment \(place.segment)",
                    LogDamage(offset: Int(place.offset), reason: .contents))
            }
            return [UInt8](
                bytes.extracting(change.valueOffset..<change.valueOffset + change.valueBytes))
        }
    }
}

/// Bytes for one segment's file. They are synced before the next are written.
package struct SegmentWrite: Sendable {
    package var segment: UInt32
    package var offset: Int
    package var bytes: [UInt8]
    /// The newest entry in them, or before them if there is none.
    package var last: EntryID
}
