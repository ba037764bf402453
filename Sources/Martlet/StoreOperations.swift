import API
import APIErrors
import Joining
import Peers
import Store
import StoreCore

/// What an operator may ask of the store, at /martlet/store/: how it stands, and who belongs to it.
/// Whoever is in system:masters may; others by a role that names these paths.
struct StoreOperations: OperatorPaths {
    let store: Store
    let plan: ClusterPlan
    /// Nil if this member expects no others.
    let desk: JoinDesk?

    func answer(
        verb: String, path: String, query: QueryParameters
    ) async throws(APIError) -> APIResponse? {
        let parts = path.split(separator: "/").dropFirst().map(String.init)
        guard parts.first == "store" else { return nil }
        switch (verb, parts.count, parts.dropFirst().first) {
        case ("get", 2, "status"): return Self.json(status)
        case ("post", 2, "members"): return Self.json(try token(for: query["name"] ?? ""))
        case ("delete", 3, "members"):
            try await change(.remove(try member(parts[2]).number))
        case ("post", 4, "members") where parts[3] == "promote":
            try await change(.promote(try member(parts[2]).number))
        case ("post", 2, "leader"): try await transfer(to: query["to"])
        case ("post", 2, "compact"): try await compact()
        default: return nil
        }
        return Self.json("{}")
    }

    // MARK: How it stands

    private var status: String {
        guard let status = store.memberStatus else {
            return "{\"members\":[],\"revision\":\(store.revision),\"logBytes\":\(store.logBytes)}"
        }
        let members = status.members.map { member in
            "{\"id\":\"\(member.number)\",\"name\":\"\(member.name)\","
                + "\"peer\":\"\(member.peerAddress)\",\"voter\":\(member.isVoter),"
                + "\"leader\":\(member.number == status.leader)}"
        }
        return "{\"cluster\":\"\(status.cluster)\",\"me\":\"\(status.me)\",\"term\":\(status.term),"
            + "\"revision\":\(status.revision),\"committedIndex\":\(status.committedIndex),"
            + "\"lastIndex\":\(status.lastIndex),\"logBytes\":\(status.logBytes),"
            + "\"members\":[\(members.joined(separator: ","))]}"
    }

    // MARK: Who belongs to it

    private func token(for name: String) throws(APIError) -> String {
        guard let desk, store.memberStatus != nil else {
            throw .badRequest("this member expects no others: start it with --peer-listen")
        }
        guard InitialCluster.isName(name) else {
            throw .badRequest(
                "a member's name has letters, digits, '-', '.' and '_', not \"\(name)\"")
        }
        try requireLeader()
        guard !plan.advertised.isEmpty else {
            throw .badRequest("others cannot find this member: give it a --peer-listen address")
        }
        guard let token = desk.issueToken(for: name) else {
            throw .tooManyRequests("too many tokens are valid", retryAfterSeconds: 60)
        }
        return "{\"join\":\"https://\(plan.advertised)\",\"token\":\"\(token)\"}"
    }

    /// A change is the leader's to make, and it is the one to be asked.
    private func requireLeader() throws(APIError) {
        guard let status = store.memberStatus, status.leader != status.me else { return }
        let leader = status.members.first { $0.number == status.leader }
        throw .serviceUnavailable(
            leader.map { "\($0.name) leads: ask it" } ?? "nobody leads at the moment: try again",
            retryAfterSeconds: 1)
    }

    private func member(_ name: String) throws(APIError) -> MemberStatus.Member {
        let members = store.memberStatus?.members ?? []
        let found = members.first { $0.name == name || "\($0.number)" == name }
        guard let member = found else {
            throw .badRequest("there is no member \(name)")
        }
        return member
    }

    private func change(_ change: MemberChange) async throws(APIError) {
        try requireLeader()
        do throws(MemberChangeRefusal) { try await store.change(change) } catch {
            throw .badRequest("\(error)")
        }
    }

    private func transfer(to name: String?) async throws(APIError) {
        try requireLeader()
        let target = try name.map { name throws(APIError) in try member(name).number }
        do throws(MemberChangeRefusal) { try await store.transferLeadership(to: target) } catch {
            throw .badRequest("\(error)")
        }
    }

    private func compact() async throws(APIError) {
        do throws(StoreError) { try await store.compact(at: store.revision) } catch {
            if case .compacted = error { return }  // Nothing has happened since.
            throw .badRequest("history cannot be given up: \(error)")
        }
    }

    private static func json(_ text: String) -> APIResponse {
        APIResponse(
            status: 200, contentType: "application/json", body: .bytes(Array(text.utf8)))
    }
}
