import Testing
@testable import Joining

/// A conversation between one who wants in and one who may let them.
private struct Conversation: ~Copyable {
    static let token = "correct-horse-battery-staple"
    static let request = JoinRequest(name: "n2", address: "10.0.0.2:6480", details: [1, 2, 3])
    static let grant = JoinGrant(
        secrets: ClusterSecrets(
            authorityCertificatePEM: Array("CA".utf8), authorityKeyPEM: Array("CA's key".utf8),
            serviceAccountKeyPEM: Array("key".utf8)),
        details: [9])

    var tokens: JoinTokens
    var new: JoiningMember
    var old: AdmittingMember
    var nowSeconds: Int64 = 1_000

    init(token: String = token, tokens: JoinTokens? = nil, seenCertificate: UInt8 = 7,
         nonce: UInt8 = 2) {
        var welcome = JoinTokens()
        welcome.welcome(Self.token, expiresSeconds: 2_000)
        self.tokens = tokens ?? welcome
        new = JoiningMember(token: token, request: Self.request, nonce: bytes(1),
                            certificateFingerprint: bytes(seenCertificate))
        old = AdmittingMember(nonce: bytes(nonce), certificateFingerprint: bytes(7))
    }

    mutating func tell(_ message: [UInt8]) throws(JoinFailure) -> AdmittingMember.Action {
        try old.receive(message, tokens: &tokens, nowSeconds: nowSeconds)
    }

    /// As far as the proof of the new member.
    mutating func proof() throws -> [UInt8] {
        let challenge = try #require(try tell(new.hello).sent)
        return try #require(try new.receive(challenge).sent)
    }

    mutating func decide(_ decision: Result<JoinGrant, JoinRefusal>) -> [UInt8] {
        old.answer(decision, tokens: &tokens)
    }
}

private func bytes(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

extension AdmittingMember.Action {
    fileprivate var sent: [UInt8]? {
        if case .send(let bytes) = self { bytes } else { nil }
    }

    fileprivate var refusal: JoinRefusal? {
        if case .refuse(_, let refusal) = self { refusal } else { nil }
    }
}

extension JoiningMember.Step {
    fileprivate var sent: [UInt8]? {
        if case .send(let bytes) = self { bytes } else { nil }
    }
}

@Suite("Joining a cluster")
struct JoinTests {
    @Test("Who knows the token is let in, and gets what makes a member")
    func joins() throws {
        var talk = Conversation()
        let proof = try talk.proof()
        #expect(try talk.tell(proof) == .admit(Conversation.request))
        let answer = talk.decide(.success(Conversation.grant))
        #expect(try talk.new.receive(answer) == .joined(Conversation.grant))
    }

    @Test("A wrong token is refused before anything is given away")
    func wrongToken() throws {
        var talk = Conversation(token: "correct-horse-battery-stapl")
        let refused = try talk.tell(talk.proof())
        guard case .refuse(let answer, because: .unknownToken) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(throws: JoinFailure.refused(.unknownToken)) { try talk.new.receive(answer) }
    }

    @Test("An expired token is called so, to one who knows it")
    func expiredToken() throws {
        var talk = Conversation()
        talk.nowSeconds = 2_000
        #expect(try talk.tell(talk.proof()).refusal == .expiredToken)
    }

    @Test("One in the middle, who shows another certificate, cannot use the proof")
    func otherCertificate() throws {
        var talk = Conversation(seenCertificate: 8)
        #expect(try talk.tell(talk.proof()).refusal == .unknownToken)
    }

    @Test("A proof overheard is worthless in a second conversation")
    func replayedProof() throws {
        var first = Conversation()
        let proof = try first.proof()
        var second = Conversation(nonce: 3)
        _ = try second.tell(first.new.hello)
        #expect(try second.tell(proof).refusal == .unknownToken)
    }

    @Test("A grant overheard convinces nobody, nor does the new member's own proof")
    func replayedGrant() throws {
        var first = Conversation()
        _ = try first.tell(first.proof())
        let grant = first.decide(.success(Conversation.grant))
        var second = Conversation(nonce: 3)
        var proof = try second.proof()
        #expect(throws: JoinFailure.unprovenMember) { try second.new.receive(grant) }
        var third = Conversation()
        proof = try third.proof()
        proof[0] = grant[0]
        #expect(throws: JoinFailure.unprovenMember) { try third.new.receive(proof) }
    }

    @Test("A member that does not know the token cannot pose as one")
    func falseMember() throws {
        var tokens = JoinTokens()
        tokens.welcome("some-other-token-entirely", expiresSeconds: 2_000)
        var talk = Conversation()
        var impostor = Conversation(token: "some-other-token-entirely", tokens: tokens)
        _ = try talk.proof()
        _ = try impostor.tell(impostor.proof())
        let answer = impostor.decide(.success(Conversation.grant))
        #expect(throws: JoinFailure.unprovenMember) { try talk.new.receive(answer) }
    }

    @Test("What is changed on the way is found out, whichever byte it is")
    func changedGrant() throws {
        var talk = Conversation()
        _ = try talk.tell(talk.proof())
        let answer = talk.decide(.success(Conversation.grant))
        for index in answer.indices {
            var changed = answer
            changed[index] ^= 1
            var new = Conversation()
            _ = try new.proof()
            #expect(throws: JoinFailure.self) { try new.new.receive(changed) }
        }
    }

    @Test("A request that is changed on the way is not the one that was proved")
    func changedRequest() throws {
        let count = try { var talk = Conversation(); return try talk.proof().count }()
        for index in 1..<count {
            var talk = Conversation()
            var proof = try talk.proof()
            proof[index] ^= 1
            #expect(try talk.tell(proof).refusal == .unknownToken)
        }
    }

    @Test("A message that is cut off is an error at every length")
    func truncated() throws {
        var talk = Conversation()
        let proof = try talk.proof()
        _ = try talk.tell(proof)
        let grant = talk.decide(.success(Conversation.grant))
        for count in 0..<grant.count {
            var new = Conversation()
            _ = try new.proof()
            #expect(throws: JoinFailure.self) { try new.new.receive(Array(grant.prefix(count))) }
        }
        for count in 0..<proof.count {
            var old = Conversation()
            _ = try old.proof()
            do throws(JoinFailure) {
                #expect(try old.tell(Array(proof.prefix(count))).refusal == .unknownToken)
            } catch {
                #expect(count < 33, "\(error)")
            }
        }
    }

    @Test("Bodies that are cut off are errors at every length")
    func truncatedBodies() throws {
        let request = Conversation.request.encoded()
        let grant = Conversation.grant.encoded()
        for count in 0..<request.count {
            #expect(throws: JoinFailure.self) {
                try JoinRequest(encoded: Array(request.prefix(count)))
            }
        }
        for count in 0..<grant.count {
            #expect(throws: JoinFailure.self) {
                try JoinGrant(encoded: Array(grant.prefix(count)))
            }
        }
        #expect(throws: JoinFailure.self) { try JoinRequest(encoded: request + [0]) }
        #expect(try JoinRequest(encoded: request) == Conversation.request)
        #expect(try JoinGrant(encoded: grant) == Conversation.grant)
    }

    @Test("Messages out of turn end the conversation")
    func outOfTurn() throws {
        var talk = Conversation()
        let proof = try talk.proof()
        #expect(throws: JoinFailure.malformed("a message out of turn")) {
            try talk.tell(talk.new.hello)
        }
        var fresh = Conversation()
        #expect(throws: JoinFailure.malformed("a message out of turn")) { try fresh.tell(proof) }
        #expect(throws: JoinFailure.malformed("a message out of turn")) {
            try fresh.new.receive(fresh.new.hello)
        }
        // Nothing is believed after that.
        #expect(throws: JoinFailure.self) {
            try fresh.new.receive(JoinMessage.challenge(nonce: bytes(2)).encoded())
        }
    }

    @Test("A refusal's words cannot play tricks on a terminal")
    func refusalText() throws {
        let told = JoinMessage.refusal(.never("no\u{1b}[2Jway\n")).encoded()
        #expect(try JoinMessage(told) == .refusal(.never("no [2Jway ")))
    }
}

@Suite("Join tokens")
struct JoinTokensTests {
    /// One made at second 1,000.
    func made(by tokens: inout JoinTokens) throws -> String {
        let token = tokens.issue(for: "n2", random: (1...20).map { $0 }, nowSeconds: 1_000)
        return try #require(token)
    }

    @Test("A token that was made works once, and only for who knows it")
    func once() throws {
        var tokens = JoinTokens()
        let token = try made(by: &tokens)
        #expect(token == "mj0102030405060708090a0b0c0d0e0f1011121314")
        #expect(JoinTokens.isToken(token))
        var talk = Conversation(token: token, tokens: tokens)
        #expect(try talk.tell(talk.proof()) == .admit(Conversation.request))
        // Not twice at the same time...
        var rival = Conversation(token: token, tokens: talk.tokens)
        #expect(try rival.tell(rival.proof()).refusal == .unknownToken)
        // ...and not again later.
        _ = talk.decide(.success(Conversation.grant))
        var late = Conversation(token: token, tokens: talk.tokens)
        #expect(try late.tell(late.proof()).refusal == .unknownToken)
    }

    @Test("A token can be tried again when it did not get its holder in")
    func again() throws {
        var tokens = JoinTokens()
        let token = try made(by: &tokens)
        var talk = Conversation(token: token, tokens: tokens)
        _ = try talk.tell(talk.proof())
        let answer = talk.decide(.failure(.notNow("no leader")))
        #expect(throws: JoinFailure.refused(.notNow("no leader"))) {
            try talk.new.receive(answer)
        }
        var next = Conversation(token: token, tokens: talk.tokens)
        #expect(try next.tell(next.proof()) == .admit(Conversation.request))
    }

    @Test("A token is for one member, and not for another that has come by it")
    func otherName() throws {
        var tokens = JoinTokens()
        let token = tokens.issue(for: "n3", random: (1...20).map { $0 }, nowSeconds: 1_000)
        var talk = Conversation(token: try #require(token), tokens: tokens)
        #expect(try talk.tell(talk.proof()).refusal == .never("the token is for a member named n3"))
    }

    @Test("It expires an hour after it was made")
    func expires() throws {
        var tokens = JoinTokens()
        let token = try made(by: &tokens)
        var talk = Conversation(token: token, tokens: tokens)
        talk.nowSeconds = 4_600
        #expect(try talk.tell(talk.proof()).refusal == .expiredToken)
        var earlier = Conversation(token: token, tokens: tokens)
        earlier.nowSeconds = 4_599
        #expect(try earlier.tell(earlier.proof()) == .admit(Conversation.request))
    }

    @Test("The token of a new cluster lets all of its members in")
    func reusable() throws {
        var talk = Conversation()
        _ = try talk.tell(talk.proof())
        _ = talk.decide(.success(Conversation.grant))
        var next = Conversation(tokens: talk.tokens)
        #expect(try next.tell(next.proof()) == .admit(Conversation.request))
    }

    @Test("There are so many and no more, until some expire")
    func limit() {
        var tokens = JoinTokens()
        for number in 0..<JoinTokens.countMax {
            let random = [UInt8](repeating: UInt8(number), count: 20)
            #expect(tokens.issue(for: "n2", random: random, nowSeconds: 1_000) != nil)
        }
        let random = [UInt8](repeating: 255, count: 20)
        #expect(tokens.issue(for: "n2", random: random, nowSeconds: 1_001) == nil)
        #expect(tokens.issue(for: "n2", random: random, nowSeconds: 4_600) != nil)
    }

    @Test("A token is one word, long enough not to be guessed", arguments: [
        ("0123456789abcdef", true), ("0123456789abcde", false), ("", false),
        ("0123456789 abcdef", false), ("0123456789abcdef\n", false), ("0123456789abcdeö", false),
    ])
    func words(text: String, isToken: Bool) {
        #expect(JoinTokens.isToken(text) == isToken)
    }
}
