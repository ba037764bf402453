public import Joining
import PKI
import Synchronization

/// Where new members are let in: keeps the tokens, and gives away the cluster's secrets to who
/// proves to know one.
public final class JoinDesk: Sendable {
    private let secrets: ClusterSecrets
    private let nowSeconds: @Sendable () -> Int64
    private let admit: @Sendable (JoinRequest) async throws(JoinRefusal) -> [UInt8]
    private let tokens = Mutex(JoinTokens())

    /// - Parameters:
    ///   - nowSeconds: The time, in seconds since 1970.
    ///   - admit: Makes somebody who knows a token a member, and returns what the store has to tell
    ///     them. It may be called again for one who was let in before, if the answer was lost.
    public init(
        secrets: ClusterSecrets, nowSeconds: @escaping @Sendable () -> Int64,
        admit: @escaping @Sendable (JoinRequest) async throws(JoinRefusal) -> [UInt8]
    ) {
        (self.secrets, self.nowSeconds, self.admit) = (secrets, nowSeconds, admit)
    }

    /// Makes a token that lets a member of that name in: once, here, within `validSeconds`. Nil if
    /// too many are valid.
    public func issueToken(
        for name: String, validSeconds: Int64 = JoinTokens.validSecondsDefault
    ) -> String? {
        let random = SecureRandom.bytes(count: JoinTokens.randomByteCount)
        return tokens.withLock {
            $0.issue(for: name, random: random, nowSeconds: nowSeconds(),
                     validSeconds: validSeconds)
        }
    }

    /// Lets all in who know `token`, until then (seconds since 1970): for a cluster's first start.
    public func welcome(_ token: String, untilSeconds: Int64) {
        tokens.withLock { $0.welcome(token, expiresSeconds: untilSeconds) }
    }

    func receive(_ message: [UInt8], _ talk: inout AdmittingMember?) throws(JoinFailure)
        -> AdmittingMember.Action {
        let now = nowSeconds()
        let result = tokens.withLock { tokens -> Result<AdmittingMember.Action?, JoinFailure> in
            do throws(JoinFailure) {
                return .success(try talk?.receive(message, tokens: &tokens, nowSeconds: now))
            } catch {
                return .failure(error)
            }
        }
        guard let action = try result.get() else { throw .malformed("nobody asked") }
        return action
    }

    func decide(_ request: JoinRequest) async -> Result<JoinGrant, JoinRefusal> {
        do throws(JoinRefusal) {
            return .success(JoinGrant(secrets: secrets, details: try await admit(request)))
        } catch {
            return .failure(error)
        }
    }

    func answer(_ decision: Result<JoinGrant, JoinRefusal>, _ talk: inout AdmittingMember?)
        -> [UInt8]? {
        tokens.withLock { talk?.answer(decision, tokens: &$0) }
    }
}
