/// The members that a new cluster starts with, as `--initial-cluster` names them:
/// `n1=https://10.0.0.1:6480,n2=https://10.0.0.2:6480,n3=https://10.0.0.3:6480`.
///
/// Every member is told the same text, so all agree on the order. The first makes the cluster's CA;
/// the others fetch it there.
public struct InitialCluster: Equatable, Sendable {
    public struct Member: Equatable, Sendable {
        public let name: String
        public let address: PeerAddress

        public init(name: String, address: PeerAddress) {
            (self.name, self.address) = (name, address)
        }
    }

    /// In the order in which they were named; never empty.
    public let members: [Member]

    /// More voters make a cluster slower, not safer.
    public static let membersMax = 9
    /// What the common name of a certificate holds.
    public static let nameBytesMax = 64

    /// - Throws: ``InitialClusterError``, whose text says what is wrong.
    public init(_ text: String) throws(InitialClusterError) {
        var members: [Member] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let member = try Self.member(part)
            guard !members.contains(where: { $0.name == member.name }) else {
                throw InitialClusterError("names \(member.name) twice")
            }
            guard !members.contains(where: { $0.address == member.address }) else {
                throw InitialClusterError("gives \(member.address) to two members")
            }
            members.append(member)
        }
        guard members.count <= Self.membersMax else {
            throw InitialClusterError(
                "names \(members.count) members, and a cluster has \(Self.membersMax) at most")
        }
        self.members = members
    }

    private static func member(_ part: Substring) throws(InitialClusterError) -> Member {
        guard let equals = part.firstIndex(of: "=") else {
            throw InitialClusterError("takes NAME=https://HOST:PORT,..., not \"\(part)\"")
        }
        let name = String(part[..<equals])
        guard isName(name) else {
            throw InitialClusterError(
                "takes names of 1 to \(nameBytesMax) letters, digits, '-', '.' and '_', "
                    + "not \"\(name)\"")
        }
        let url = part[part.index(after: equals)...]
        guard let address = PeerAddress(url: url) else {
            throw InitialClusterError("takes https://HOST:PORT for \(name), not \"\(url)\"")
        }
        return Member(name: name, address: address)
    }

    /// Whether a member may be called so: its certificate bears the name.
    public static func isName(_ name: String) -> Bool {
        (1...nameBytesMax).contains(name.utf8.count) && name.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    /// Who makes the CA, and hands it to the others.
    public var first: Member { members[0] }

    /// The member of that name; nil if it is none of them.
    public subscript(name: String) -> Member? { members.first { $0.name == name } }
}

/// Why a text names no cluster: the rest of a sentence that begins with the flag.
public struct InitialClusterError: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
