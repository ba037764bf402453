package import Raft
package import StoreCore

/// A member's wish for another number.
///
/// A member that has lost part of its log may have lost what it had voted and acknowledged. It
/// gives its number up, which never speaks again, and is let in anew: a change of members that
/// removes the old number and adds the new one as a learner, in one step. So what Raft proves of
/// removed and new members holds for it.
package struct MemberExchange: Sendable, Equatable {
    /// The new number.
    package var member: MemberID
    package var name: String
    /// `HOST:PORT` for other members.
    package var address: String
    /// Numbers that it had, newest first. One that it never had is not touched, whatever the name.
    package var replaced: [MemberID]

    package init(member: MemberID, name: String, address: String, replaced: [MemberID]) {
        (self.member, self.name) = (member, name)
        (self.address, self.replaced) = (address, replaced)
    }

    /// The number that gives way; nil if there is nothing to do: the exchange has been done, or
    /// none of its numbers is that of a member of the same name and address.
    package func outgoing(in members: ClusterMembers) -> MemberID? {
        guard !members.membership.contains(member) else { return nil }
        let place = ClusterMembers.Address(name: name, peer: address)
        return replaced.first {
            members.membership.contains($0) && members.addresses[$0] == place
        }
    }

    private static let replacedMax = 64

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(field: 1, fixed: member.number)
        bytes.append(field: 2, bytes: Array(name.utf8))
        bytes.append(field: 3, bytes: Array(address.utf8))
        for number in replaced { bytes.append(field: 4, fixed: number.number) }
        return bytes
    }

    init(_ bytes: [UInt8]) throws(PeerFrameError) {
        self.init(member: MemberID(0), name: "", address: "", replaced: [])
        let raw = bytes.raw
        var reader = FieldReader(raw, in: 0..<raw.byteCount)
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 1: member = MemberID(try reader.fixed())
            case 2 << 3 | 2: name = String(decoding: try reader.bytes(), as: UTF8.self)
            case 3 << 3 | 2: address = String(decoding: try reader.bytes(), as: UTF8.self)
            case 4 << 3 | 1:
                guard replaced.count < Self.replacedMax else { throw reader.failure }
                replaced.append(MemberID(try reader.fixed()))
            default: try reader.skip(tag)
            }
        }
        guard member.number != 0, !name.isEmpty, !address.isEmpty else { throw reader.failure }
    }
}

extension MemberID {
    /// Whoever gets it. No member has this number.
    package static let anybody = MemberID(0)
}
