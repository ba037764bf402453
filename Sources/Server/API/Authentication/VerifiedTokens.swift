import Synchronization

/// Remembers the claims of tokens whose signatures were good, so that each is checked once.
///
/// Keeps two generations: when the young one is full it becomes the old one, whose own tokens are
/// forgotten. What is in use moves back into the young one, so it stays.
final class VerifiedTokens: Sendable {
    private struct Generations {
        var young: [String: ServiceAccountClaims] = [:]
        var old: [String: ServiceAccountClaims] = [:]
    }

    private let generations = Mutex(Generations())
    /// Of both generations together.
    private let tokensMax: Int

    init(tokensMax: Int) { self.tokensMax = tokensMax }

    var count: Int { generations.withLock { $0.young.count + $0.old.count } }

    subscript(token: String) -> ServiceAccountClaims? {
        get {
            generations.withLock { generations in
                if let claims = generations.young[token] { return claims }
                guard let claims = generations.old.removeValue(forKey: token) else { return nil }
                keep(token, claims, in: &generations)
                return claims
            }
        }
        set {
            guard let newValue else { return }
            generations.withLock { keep(token, newValue, in: &$0) }
        }
    }

    private func keep(
        _ token: String, _ claims: ServiceAccountClaims, in generations: inout Generations
    ) {
        if generations.young.count >= max(1, tokensMax / 2) {
            generations.old = generations.young
            generations.young = [:]
        }
        generations.young[token] = claims
    }
}
