/// What a new member says of itself.
public struct JoinRequest: Equatable, Sendable {
    public var name: String
    /// Where it listens for other members: `HOST:PORT`.
    public var address: String
    /// Of the store's, as it likes.
    public var details: [UInt8]

    public init(name: String, address: String, details: [UInt8] = []) {
        (self.name, self.address, self.details) = (name, address, details)
    }
}

/// What makes a member of a cluster: the CA and the key that signs service account tokens, all PEM.
public struct ClusterSecrets: Equatable, Sendable {
    public var authorityCertificatePEM: [UInt8]
    public var authorityKeyPEM: [UInt8]
    public var serviceAccountKeyPEM: [UInt8]

    public init(
        authorityCertificatePEM: [UInt8], authorityKeyPEM: [UInt8], serviceAccountKeyPEM: [UInt8]
    ) {
        self.authorityCertificatePEM = authorityCertificatePEM
        self.authorityKeyPEM = authorityKeyPEM
        self.serviceAccountKeyPEM = serviceAccountKeyPEM
    }
}

/// What a new member is given.
public struct JoinGrant: Equatable, Sendable {
    public var secrets: ClusterSecrets
    /// Of the store's: who the members are, the new one's number.
    public var details: [UInt8]

    public init(secrets: ClusterSecrets, details: [UInt8]) {
        (self.secrets, self.details) = (secrets, details)
    }
}

/// Why a new member is not let in.
public enum JoinRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownToken
    case expiredToken
    /// Not at this moment: try again.
    case notNow(String)
    /// Never like this: the name is taken, say.
    case never(String)

    public var description: String {
        switch self {
        case .unknownToken: "the token is not known there: it is wrong, or was used before"
        case .expiredToken: "the token has expired"
        case .notNow(let reason): "not now: \(reason)"
        case .never(let reason): reason
        }
    }
}

/// Who breaks off a join, and why.
public enum JoinFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The other side did not speak the protocol. The text says where.
    case malformed(String)
    /// The member asked does not know the token: it is none of the cluster's.
    case unprovenMember
    case refused(JoinRefusal)

    public var description: String {
        switch self {
        case .malformed(let what): "an answer that is none: \(what)"
        case .unprovenMember: "the member asked could not prove that it knows the token"
        case .refused(let refusal): "\(refusal)"
        }
    }
}

/// A message of the join protocol as bytes: a kind, then its fields in order. Fields that have no
/// fixed length have it in front, 4 bytes, big endian.
enum JoinMessage: Equatable {
    case hello(nonce: [UInt8])
    case challenge(nonce: [UInt8])
    /// `body` is a ``JoinRequest``, and the proof covers it.
    case proof(code: [UInt8], body: [UInt8])
    /// `body` is a ``JoinGrant``, and the proof covers it.
    case grant(code: [UInt8], body: [UInt8])
    case refusal(JoinRefusal)

    static let nonceByteCount = 32
    static let codeByteCount = 32
    private static let version: UInt8 = 1
    private static let refusalTextBytesMax = 400

    func encoded() -> [UInt8] {
        switch self {
        case .hello(let nonce): [1, Self.version] + nonce
        case .challenge(let nonce): [2] + nonce
        case .proof(let code, let body): [3] + code + body
        case .grant(let code, let body): [4] + code + body
        case .refusal(.unknownToken): [5, 1]
        case .refusal(.expiredToken): [5, 2]
        case .refusal(.notNow(let reason)): [5, 3] + reason.utf8.prefix(Self.refusalTextBytesMax)
        case .refusal(.never(let reason)): [5, 4] + reason.utf8.prefix(Self.refusalTextBytesMax)
        }
    }

    init(_ bytes: [UInt8]) throws(JoinFailure) {
        let rest = bytes.dropFirst()
        switch bytes.first {
        case 1:
            guard rest.first == Self.version else {
                throw .malformed("a version of the protocol that is not known here")
            }
            self = .hello(nonce: try Self.exactly(Self.nonceByteCount, rest.dropFirst()))
        case 2: self = .challenge(nonce: try Self.exactly(Self.nonceByteCount, rest))
        case 3, 4:
            let code = try Self.exactly(Self.codeByteCount, rest.prefix(Self.codeByteCount))
            let body = Array(rest.dropFirst(Self.codeByteCount))
            self = bytes.first == 3 ? .proof(code: code, body: body)
                : .grant(code: code, body: body)
        case 5: self = .refusal(try Self.refusal(rest))
        default: throw .malformed("a message of unknown kind")
        }
    }

    private static func exactly(
        _ count: Int, _ bytes: ArraySlice<UInt8>
    ) throws(JoinFailure) -> [UInt8] {
        guard bytes.count == count else { throw .malformed("a message of the wrong length") }
        return Array(bytes)
    }

    private static func refusal(_ bytes: ArraySlice<UInt8>) throws(JoinFailure) -> JoinRefusal {
        let text = printable(bytes.dropFirst().prefix(refusalTextBytesMax))
        return switch bytes.first {
        case 1: .unknownToken
        case 2: .expiredToken
        case 3: .notNow(text)
        case 4: .never(text)
        default: throw .malformed("a refusal of unknown kind")
        }
    }

    /// Nobody has proved who wrote it: it must not play tricks on a terminal.
    private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
        String(String(decoding: bytes, as: UTF8.self).unicodeScalars.map {
            $0.value < 32 || (127..<160).contains($0.value) ? " " : Character($0)
        })
    }
}

// MARK: Bodies

extension JoinRequest {
    func encoded() -> [UInt8] { join([Array(name.utf8), Array(address.utf8), details]) }

    init(encoded bytes: [UInt8]) throws(JoinFailure) {
        let fields = try split(bytes, into: 3)
        self.init(name: String(decoding: fields[0], as: UTF8.self),
                  address: String(decoding: fields[1], as: UTF8.self), details: fields[2])
    }
}

extension JoinGrant {
    func encoded() -> [UInt8] {
        join([secrets.authorityCertificatePEM, secrets.authorityKeyPEM,
              secrets.serviceAccountKeyPEM, details])
    }

    init(encoded bytes: [UInt8]) throws(JoinFailure) {
        let fields = try split(bytes, into: 4)
        self.init(
            secrets: ClusterSecrets(
                authorityCertificatePEM: fields[0], authorityKeyPEM: fields[1],
                serviceAccountKeyPEM: fields[2]),
            details: fields[3])
    }
}

private func join(_ fields: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(fields.reduce(0) { $0 + 4 + $1.count })
    for field in fields {
        let count = UInt32(field.count)
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        bytes += field
    }
    return bytes
}

private func split(_ bytes: [UInt8], into count: Int) throws(JoinFailure) -> [[UInt8]] {
    var fields: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty && fields.count < count {
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard rest.count >= 4, rest.count - 4 >= length else {
            throw .malformed("a message that is cut off")
        }
        fields.append(Array(rest.dropFirst(4).prefix(length)))
        rest = rest.dropFirst(4 + length)
    }
    guard rest.isEmpty && fields.count == count else {
        throw .malformed("a message of the wrong length")
    }
    return fields
}
