import Authentication
import Testing

@testable import API

@Suite("Requests in flight")
struct LimitTests {
    private let limits = RequestLimits(reading: 2, changing: 1)
    private let alice = UserInfo(name: "alice")
    private let admin = UserInfo(name: "admin", groups: ["system:masters"])

    private func target(_ method: String, _ query: Substring = "") -> RequestTarget {
        RequestTarget(method: method, path: "/api/v1/pods", query: QueryParameters(query))
    }

    @Test("are counted, those that change something apart, until they are answered")
    func counts() {
        var reading = [1, 2].map { _ in limits.passage(for: target("GET"), of: alice) }
        #expect(!reading.contains { $0 == nil })
        #expect(limits.passage(for: target("GET"), of: alice) == nil)
        let changing = limits.passage(for: target("POST"), of: alice)
        #expect(changing != nil)
        #expect(limits.passage(for: target("DELETE"), of: alice) == nil)
        reading.removeLast()
        #expect(limits.passage(for: target("GET"), of: alice) != nil)
        withExtendedLifetime(changing) {}
    }

    @Test("do not include watches, and let administrators in always")
    func exceptions() {
        let full = [1, 2].map { _ in limits.passage(for: target("GET"), of: alice) }
        #expect(limits.passage(for: target("GET", "watch=true"), of: alice) != nil)
        #expect(limits.passage(for: target("GET"), of: admin) != nil)
        #expect(full.count == 2)
        let any = RequestLimits()
        let many = (0..<1000).map { _ in any.passage(for: target("POST"), of: alice) }
        #expect(!many.contains { $0 == nil })
    }

    @Test("a streamed answer counts until its end, or until nobody will write it")
    func streams() async throws {
        let one = RequestLimits(reading: 1)
        var response: APIResponse? = APIResponse(
            status: 200, contentType: "", body: .stream { _ in })
        if let passage = one.passage(for: target("GET"), of: alice) { response?.hold(passage) }
        #expect(one.passage(for: target("GET"), of: alice) == nil)
        response = nil
        #expect(one.passage(for: target("GET"), of: alice) != nil)
    }

    @Test("one too many is told to come back")
    func refusal() {
        #expect(RequestLimits.refusal.status == 429)
        #expect(RequestLimits.refusal.headers.contains { $0 == ("retry-after", "1") })
    }
}
