package import Raft
package import StoreCore

/// Where members are found: what the log says, and what they say of themselves.
///
/// A member whose log is behind may know others by its contacts alone, or by what a message has said
/// of its sender.
package struct MemberAddresses: Sendable {
    /// Where members say that they are, of whom this one's log may not know yet.
    private var introduced: [MemberID: String] = [:]
    private let contacts: [MemberID: ClusterMembers.Address]

    private static let introducedMax = 64

    /// - Parameter founders: What this member was told as it began.
    package init(founders: ClusterMembers) { contacts = founders.addresses }

    package mutating func note(_ member: MemberID, at address: String) {
        if introduced.count >= Self.introducedMax { introduced.removeAll() }
        introduced[member] = address
    }

    /// Nil if it is not known, or somebody else is there by now.
    package func address(of member: MemberID, in members: ClusterMembers) -> String? {
        if members.addresses[member] != nil { return members.address(toReach: member) }
        return introduced[member] ?? contacts[member]?.peer
    }
}

extension ClusterMembers {
    /// Where a member is found that frames are for; nil if there is none, or somebody else is there
    /// by now: the same one, under the number that it is about to have.
    fileprivate func address(toReach member: MemberID) -> String? {
        guard let address = addresses[member] else { return nil }
        guard membership.isJoint, !membership.voters.contains(member) else { return address.peer }
        let isReplaced = addresses.contains { other, place in
            other != member && place == address && !membership.outgoingVoters.contains(other)
        }
        return isReplaced ? nil : address.peer
    }
}
