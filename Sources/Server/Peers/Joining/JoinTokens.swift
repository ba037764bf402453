internal import PKI

/// What a member keeps of a token: enough to check a proof, not to print the token again.
public struct JoinKey: Equatable, Sendable {
    let bytes: [UInt8]

    public init(token: String) {
        bytes = SHA256.authenticationCode(
            Array(token.utf8), key: Array("martlet join token 1".utf8))
    }

    public static func == (left: JoinKey, right: JoinKey) -> Bool {
        equalsInConstantTime(left.bytes, right.bytes)
    }
}

/// The tokens that open a cluster to new members. Knows no clock: times are seconds since 1970.
///
/// A token made here works once. The one that the members of a new cluster were started with
/// works for all of them, as long as the cluster is being formed.
public struct JoinTokens: Sendable {
    private struct Entry: Sendable {
        let key: JoinKey
        let expiresSeconds: Int64
        /// For a member of that name alone.
        let name: String?
        let worksOnce: Bool
        /// Somebody proved to know it, and is being let in.
        var isTaken = false
    }

    public enum Verdict: Equatable, Sendable {
        /// To be settled by ``settle(_:isUsed:)``.
        case granted(JoinKey, name: String?)
        case expired
        /// Wrong, used before, or being used.
        case unknown
    }

    /// Tokens that are kept at a time.
    public static let countMax = 64
    public static let validSecondsDefault: Int64 = 3_600
    public static let validSecondsMax: Int64 = 30 * 86_400
    /// Shorter ones could be found by trying.
    public static let tokenBytesMin = 16
    public static let tokenBytesMax = 256
    /// Random bytes in a token that is made.
    public static let randomByteCount = 20

    private var entries: [Entry] = []

    public init() {}

    /// Whether an operator may use `token`: one word of printable ASCII, long enough.
    public static func isToken(_ token: String) -> Bool {
        (tokenBytesMin...tokenBytesMax).contains(token.utf8.count)
            && token.utf8.allSatisfy { (33...126).contains($0) }
    }

    /// Makes a token that works once: a word of 42 letters and digits. Nil if as many as may be
    /// are valid already.
    ///
    /// - Parameters:
    ///   - name: The member that it is for.
    ///   - random: ``randomByteCount`` bytes that nobody can guess.
    public mutating func issue(
        for name: String, random: [UInt8], nowSeconds: Int64, validSeconds: Int64 = validSecondsDefault
    ) -> String? {
        precondition(random.count == Self.randomByteCount && validSeconds > 0)
        guard makeRoom(nowSeconds: nowSeconds) else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        let token = "mj" + String(
            decoding: random.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
        entries.append(Entry(
            key: JoinKey(token: token),
            expiresSeconds: nowSeconds + min(validSeconds, Self.validSecondsMax), name: name,
            worksOnce: true))
        return token
    }

    /// Lets all who know `token` in, until `expiresSeconds`.
    public mutating func welcome(_ token: String, expiresSeconds: Int64) {
        let key = JoinKey(token: token)
        entries.removeAll { $0.key == key }
        entries.append(Entry(key: key, expiresSeconds: expiresSeconds, name: nil,
                             worksOnce: false))
    }

    /// Expired tokens are kept, to be called so, until their place is needed.
    private mutating func makeRoom(nowSeconds: Int64) -> Bool {
        guard entries.count >= Self.countMax else { return true }
        entries.removeAll { $0.expiresSeconds <= nowSeconds }
        return entries.count < Self.countMax
    }

    /// Finds the token that somebody proved to know, and holds it for them.
    ///
    /// - Parameter isProven: Whether the proof was made with that key.
    mutating func take(nowSeconds: Int64, isProven: (JoinKey) -> Bool) -> Verdict {
        guard let index = entries.firstIndex(where: { isProven($0.key) && !$0.isTaken }) else {
            return .unknown
        }
        guard entries[index].expiresSeconds > nowSeconds else { return .expired }
        entries[index].isTaken = entries[index].worksOnce
        return .granted(entries[index].key, name: entries[index].name)
    }

    /// Ends what ``take(nowSeconds:isProven:)`` began: a token that let somebody in is gone.
    mutating func settle(_ key: JoinKey, isUsed: Bool) {
        guard let index = entries.firstIndex(where: { $0.key == key && $0.worksOnce }) else {
            return
        }
        if isUsed { entries.remove(at: index) } else { entries[index].isTaken = false }
    }
}
