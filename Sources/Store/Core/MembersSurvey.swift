package import Raft

/// Who belongs to a cluster, as far as a log tells that may be damaged: good enough to know whom to
/// ask, and whether they can do without this member.
package struct MembersSurvey: Sendable {
    /// As of the newest record that says so, committed or not. Its membership is `none` if the log
    /// says nothing, and `founders` neither.
    package private(set) var members: ClusterMembers

    package init(_ founders: ClusterMembers) { members = founders }

    /// Takes in the next segment, whatever in it can be read: behind damage, too.
    package mutating func take(segment bytes: RawSpan) {
        do throws(LogDamage) {
            let header = try SegmentHeader(in: bytes)
            var offset = SegmentHeader.byteCount
            while offset + RecordHeader.byteCount <= bytes.byteCount {
                guard Self.mayBeRecord(at: offset, in: bytes),
                    let found = RecordHeader(at: offset, in: bytes, salt: header.salt)
                else {
                    offset += 8
                    continue
                }
                let record = try LogRecord(at: offset, of: bytes)
                note(record, bytes.extracting(record.payload))
                offset += found.stride
            }
        } catch {
            // Without a header, nothing in the segment can be told from what was there before it.
        }
    }

    /// Cheap tests, which keep checksums from being made of all there is.
    private static func mayBeRecord(at offset: Int, in bytes: RawSpan) -> Bool {
        RecordKind(rawValue: bytes.integer(at: offset + 12, as: UInt8.self)) != nil
            && bytes.integer(at: offset + 13, as: UInt8.self) == RecordKind.version
            && Int(bytes.integer(at: offset + 32, as: UInt32.self)) <= offset
    }

    private mutating func note(_ record: LogRecord, _ payload: RawSpan) {
        switch record.kind {
        case .opening: note(LogStatement(opening: payload)?.members)
        case .retirement where payload.byteCount >= 8:
            note(LogStatement(payload.extracting(8..<payload.byteCount))?.members)
        case .membership: note(ClusterMembers(payload))
        default: break
        }
    }

    /// Where somebody was once is remembered as long as nothing newer is known.
    private mutating func note(_ found: ClusterMembers?) {
        guard let found, !found.membership.members.isEmpty else { return }
        members.membership = found.membership
        members.addresses.merge(found.addresses) { _, new in new }
    }

    /// Where others are who may let this member in again, and who are enough to do so; nil if there
    /// are none.
    package func contacts(without member: MemberID) -> [MemberID: ClusterMembers.Address]? {
        let own = members.addresses[member]?.peer
        let others = members.addresses.filter {
            $0.key != member && !$0.value.peer.isEmpty && $0.value.peer != own
        }
        // A change that was under way has most likely been made since.
        let voters = Membership(voters: members.membership.voters)
        guard !others.isEmpty, voters.canSpare(member) else { return nil }
        return others
    }
}
