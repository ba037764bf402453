package import Raft

/// Who belongs to a cluster, and where each is found: what a membership entry says.
///
///      0  u64  the cluster's id
///      8  u64  count of members, then for each: u64 id, u8 roles (``Roles``), u8 0,
///              u16 bytes of the name, u32 bytes of the address, name and address, padded together
///              with zeros to 8 bytes
package struct ClusterMembers: Equatable, Sendable {
    /// Where a member is found.
    package struct Address: Equatable, Sendable {
        package var name: String
        /// `HOST:PORT` for other members; empty if there are none.
        package var peer: String

        package init(name: String, peer: String) { (self.name, self.peer) = (name, peer) }
    }

    /// Tells clusters apart, so that members of two never talk to each other.
    package var cluster: UInt64
    package var membership: Membership
    package var addresses: [MemberID: Address]

    package init(
        cluster: UInt64, membership: Membership, addresses: [MemberID: Address] = [:]
    ) {
        (self.cluster, self.membership, self.addresses) = (cluster, membership, addresses)
    }

    /// A cluster of one, before it is given an identity.
    package static let alone = ClusterMembers(
        cluster: 0, membership: Membership(voters: [MemberID(1)]))

    /// The address with the same name, or none.
    package func member(named name: String) -> MemberID? {
        addresses.first { $0.value.name == name }?.key
    }

    struct Roles: OptionSet {
        let rawValue: UInt8
        static let voter = Roles(rawValue: 1)
        static let outgoingVoter = Roles(rawValue: 2)
        static let learner = Roles(rawValue: 4)
        static let nextLearner = Roles(rawValue: 8)
        static let inOrder: [Roles] = [.voter, .outgoingVoter, .learner, .nextLearner]
    }

    private func roles(of member: MemberID) -> Roles {
        var roles: Roles = []
        if membership.voters.contains(member) { roles.insert(.voter) }
        if membership.outgoingVoters.contains(member) { roles.insert(.outgoingVoter) }
        if membership.learners.contains(member) { roles.insert(.learner) }
        if membership.learnersNext.contains(member) { roles.insert(.nextLearner) }
        return roles
    }

    /// The payload of an entry.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        let members = Set(membership.members + membership.learnersNext + addresses.keys).sorted()
        bytes.append(integer: cluster)
        bytes.append(integer: UInt64(members.count))
        for member in members {
            let name = Array((addresses[member]?.name ?? "").utf8.prefix(Int(UInt16.max)))
            let peer = Array((addresses[member]?.peer ?? "").utf8)
            bytes.append(integer: member.number)
            bytes.append(integer: roles(of: member).rawValue)
            bytes.append(integer: 0 as UInt8)
            bytes.append(integer: UInt16(name.count))
            bytes.append(integer: UInt32(peer.count))
            bytes += name
            bytes += peer
            let count = name.count + peer.count
            bytes.append(contentsOf: repeatElement(0, count: roundedUp(count, to: 8) - count))
        }
        return bytes
    }

    /// Reads a payload; nil if it is none.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= 16 else { return nil }
        self.init(cluster: bytes.integer(at: 0, as: UInt64.self), membership: .none)
        let count = bytes.integer(at: 8, as: UInt64.self)
        guard count <= UInt64(bytes.byteCount / 16) else { return nil }
        var offset = 16
        var groups: [[MemberID]] = [[], [], [], []]
        for _ in 0..<count {
            guard let next = readMember(bytes, at: offset, &groups) else { return nil }
            offset = next
        }
        guard offset == bytes.byteCount else { return nil }
        membership = Membership(
            voters: groups[0], outgoingVoters: groups[1], learners: groups[2],
            learnersNext: groups[3])
    }

    private mutating func readMember(
        _ bytes: RawSpan, at offset: Int, _ groups: inout [[MemberID]]
    ) -> Int? {
        guard offset + 16 <= bytes.byteCount else { return nil }
        let member = MemberID(bytes.integer(at: offset, as: UInt64.self))
        let roles = Roles(rawValue: bytes.integer(at: offset + 8, as: UInt8.self))
        let nameBytes = Int(bytes.integer(at: offset + 10, as: UInt16.self))
        let peerBytes = Int(bytes.integer(at: offset + 12, as: UInt32.self))
        let end = offset + 16 + roundedUp(nameBytes + peerBytes, to: 8)
        guard end <= bytes.byteCount else { return nil }
        for (place, role) in Roles.inOrder.enumerated() where roles.contains(role) {
            groups[place].append(member)
        }
        if nameBytes + peerBytes > 0 {
            addresses[member] = Address(
                name: Self.text(bytes.slice(offset + 16, nameBytes)),
                peer: Self.text(bytes.slice(offset + 16 + nameBytes, peerBytes)))
        }
        return end
    }

    private static func text(_ bytes: RawSpan) -> String {
        String(decoding: [UInt8](bytes), as: UTF8.self)
    }
}
