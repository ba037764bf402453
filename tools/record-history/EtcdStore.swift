import PKI
import StoreCore
import StoreHistory
import Transport
import Wire

/// etcd by its JSON gateway, which tells everything.
struct EtcdStore: RecordedStore {
    private let members: MemberClients

    init(_ members: MemberClients) { self.members = members }

    var memberCount: Int { members.count }
    var traits: StoreTraits { StoreTraits(isWhole: true, isOurs: true) }

    func shutdown() async { await members.shutdown() }

    func prepare(_ keys: Keys, until deadline: ContinuousClock.Instant) async -> Revision? {
        var member = 0
        while ContinuousClock.now < deadline {
            let call = Call.range(RangeQuery(.all, limit: 1), isSerializable: false)
            if case .found(_, let revision) = await perform(call, at: member) { return revision }
            member = (member + 1) % memberCount
            _ = await pause(.milliseconds(50))
        }
        return nil
    }

    func perform(_ call: Call, at member: Int) async -> Reply {
        switch call {
        case .range(let query, let isSerializable):
            let body = text(query, isSerializable)
            return reading(await ask(member, "range", body)) { answer, revision in
                .found(found(answer), revision: revision)
            }
        case .transact(let transaction):
            let answer = await ask(member, "txn", text(transaction))
            guard case .whole(200, let body?) = answer, let revision = Self.revision(body) else {
                return refusal(answer)
            }
            // A false one is left out.
            let succeeded = body["succeeded"] == .bool(true)
            return .transacted(
                TransactionReply(
                    revision: revision, succeeded: succeeded,
                    outcomes: (body["responses"]?.items ?? []).map { outcome($0) }))
        case .compact, .watch: preconditionFailure("not a call of this kind")
        }
    }

    private func ask(
        _ member: Int, _ method: String, _ body: String
    ) async -> MemberClients.Answer {
        let headers: HTTPHeaders = ["content-type": "application/json"]
        return await members.ask(
            member,
            HTTPClientRequest(.post, "/v3/kv/\(method)", headers: headers, body: Array(body.utf8)))
    }

    private func reading(
        _ answer: MemberClients.Answer, _ success: (Value, Revision) -> Reply
    ) -> Reply {
        guard case .whole(200, let body?) = answer, let revision = Self.revision(body) else {
            return refusal(answer)
        }
        return success(body, revision)
    }

    /// A call that was refused for what it asks has not happened; of all else nobody knows.
    private func refusal(_ answer: MemberClients.Answer) -> Reply {
        switch answer {
        case .whole(400, let body?) where [3, 11].contains(body["code"]?.number):
            return .refused(.other(body["error"]?.text ?? body["message"]?.text ?? "refused"))
        case .unreachable: return .refused(.other("unreachable"))
        case .whole, .lost: return .unknown
        }
    }

    // MARK: Watches

    func watch(
        _ call: WatchCall, at member: Int, deliver: @Sendable (WatchRecord.Content) -> Void
    ) async {
        var words = text(call.range)
        if let from = call.from { words += ",\"start_revision\":\"\(from)\"" }
        if call.wantsPrevious { words += ",\"prev_kv\":true" }
        let body = "{\"create_request\":{\(words),\"progress_notify\":true}}"
        let request = HTTPClientRequest(
            .post, "/v3/watch", headers: ["content-type": "application/json"],
            body: Array(body.utf8))
        let status = await members.lines(member, request) { line in
            guard let result = line?["result"], let revision = Self.revision(result) else {
                return line?["error"] == nil
            }
            if result["canceled"] == .bool(true) {
                deliver(.ended(.other(result["cancel_reason"]?.text ?? "canceled")))
                return false
            }
            let events = result["events"]?.items ?? []
            if result["created"] == .bool(true) {
                deliver(.created(revision))
            } else if events.isEmpty {
                deliver(.progress(revision))
            } else {
                deliver(.events(events.map { event($0) }))
            }
            return true
        }
        if let status, status != 200 { deliver(.ended(.other("\(status)"))) }
    }

    private func event(_ value: Value) -> WatchEvent {
        let entry = self.entry(value["kv"] ?? .null)
        let previous = value["prev_kv"].map { self.entry($0) }
        if value["type"]?.text == "DELETE" {
            return WatchEvent(.delete(key: entry.key, at: entry.modRevision), previous: previous)
        }
        return WatchEvent(.put(entry), previous: previous)
    }

    // MARK: Answers

    private static func revision(_ answer: Value) -> Revision? {
        (answer["header"]?["revision"]?.number).map { Revision($0) }
    }

    private func outcome(_ value: Value) -> Outcome {
        if let put = value["response_put"] {
            return .put(previous: put["prev_kv"].map { entry($0) })
        }
        if let deletion = value["response_delete_range"] {
            return .deleted(
                count: Int(deletion["deleted"]?.number ?? 0),
                previous: (deletion["prev_kvs"]?.items ?? []).map { entry($0) })
        }
        return .found(found(value["response_range"] ?? .null))
    }

    private func found(_ answer: Value) -> Found {
        let entries = (answer["kvs"]?.items ?? []).map { entry($0) }
        return Found(entries, count: Int(answer["count"]?.number ?? 0))
    }

    private func entry(_ value: Value) -> Entry {
        Entry(
            key: bytes(value["key"]), value: bytes(value["value"]),
            createRevision: Revision(value["create_revision"]?.number ?? 0),
            modRevision: Revision(value["mod_revision"]?.number ?? 0),
            version: value["version"]?.number ?? 0, lease: LeaseID(value["lease"]?.number ?? 0))
    }

    private func bytes(_ value: Value?) -> [UInt8] { Base64.decode(value?.text ?? "") ?? [] }

    // MARK: Requests

    private func text(_ transaction: Transaction) -> String {
        "{\"compare\":[\(list(transaction.compares.map { text($0) }))],"
            + "\"success\":[\(list(transaction.success.map { text($0) }))],"
            + "\"failure\":[\(list(transaction.failure.map { text($0) }))]}"
    }

    private func list(_ items: [String]) -> String { items.joined(separator: ",") }

    private func text(_ compare: Compare) -> String {
        guard let key = compare.range.onlyKey, case .modRevision(let revision) = compare.subject
        else { preconditionFailure("a compare that no client makes") }
        let relation = compare.relation == .equal ? "EQUAL" : "GREATER"
        return "{\"key\":\"\(Base64.encode(key))\",\"target\":\"MOD\",\"result\":\"\(relation)\","
            + "\"mod_revision\":\"\(revision)\"}"
    }

    private func text(_ operation: StoreCore.Operation) -> String {
        switch operation {
        case .put(let key, let value, _, let previous):
            return "{\"request_put\":{\"key\":\"\(Base64.encode(key))\","
                + "\"value\":\"\(Base64.encode(value))\",\"prev_kv\":\(previous)}}"
        case .delete(let range, let previous):
            return "{\"request_delete_range\":{\(text(range)),\"prev_kv\":\(previous)}}"
        case .range(let query): return "{\"request_range\":\(text(query, false))}"
        }
    }

    private func text(_ query: RangeQuery, _ isSerializable: Bool) -> String {
        var words = text(query.range)
        if let revision = query.revision { words += ",\"revision\":\"\(revision)\"" }
        if let limit = query.limit { words += ",\"limit\":\"\(limit)\"" }
        if isSerializable { words += ",\"serializable\":true" }
        return "{\(words)}"
    }

    private func text(_ range: KeyRange) -> String {
        let start = "\"key\":\"\(Base64.encode(range.start.isEmpty ? [0] : range.start))\""
        guard range.onlyKey == nil else { return start }
        return start + ",\"range_end\":\"\(Base64.encode(range.end ?? [0]))\""
    }
}
