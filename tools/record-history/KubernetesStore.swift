import StoreCore
import StoreHistory
import Transport
import Wire

/// A store as the Kubernetes API shows it: a key `NAMESPACE/NAME` is a ConfigMap.
///
/// The API tells no revision of a deletion, of a failure and of a read of one object, and nothing
/// of when an object's key was made. Other objects share the revisions.
struct KubernetesStore: RecordedStore {
    private let members: MemberClients

    init(_ members: MemberClients) { self.members = members }

    var memberCount: Int { members.count }
    var traits: StoreTraits { StoreTraits(isWhole: false, isOurs: false) }

    func shutdown() async { await members.shutdown() }

    func prepare(_ keys: Keys, until deadline: ContinuousClock.Instant) async -> Revision? {
        for number in 0..<keys.collections {
            let body = "{\"metadata\":{\"name\":\"\(keys.collection(number))\"}}"
            let request = self.request(.post, "/api/v1/namespaces", body: body)
            // One that is there is of an attempt before, whose answer was lost.
            guard await asking(request, until: deadline, isGood: { [201, 409].contains($0) }) != nil
            else { return nil }
        }
        // The newest that there is, and so with all these namespaces and nothing in them.
        let path = "/api/v1/namespaces/\(keys.collection(0))/configmaps"
        let list = await asking(request(.get, path), until: deadline, isGood: { $0 == 200 })
        return (list?["metadata"]?["resourceVersion"]?.number).map { Revision($0) }
    }

    /// Asks one member after the other until an answer is good.
    private func asking(
        _ request: HTTPClientRequest, until deadline: ContinuousClock.Instant,
        isGood: (Int) -> Bool
    ) async -> Value? {
        var member = 0
        while ContinuousClock.now < deadline {
            if case .whole(let status, let body?) = await members.ask(member, request),
                isGood(status) {
                return body
            }
            member = (member + 1) % memberCount
            _ = await pause(.milliseconds(50))
        }
        return nil
    }

    // MARK: Calls

    func perform(_ call: Call, at member: Int) async -> Reply {
        switch call {
        case .range(let query, let isSerializable):
            if let key = query.range.onlyKey { return await get(key, member) }
            return await list(query, isSerializable, member)
        case .transact(let transaction):
            guard let step = transaction.success.first, let compare = transaction.compares.first,
                case .modRevision(let expected) = compare.subject
            else { preconditionFailure("Kubernetes has no such transaction") }
            let precise = compare.relation == .equal ? expected : nil
            return await change(step, expecting: precise, member)
        case .compact, .watch: preconditionFailure("not a call of this kind")
        }
    }

    /// - Parameter expected: `.none` for what must not be there; nil for what must be, in any
    ///   version.
    private func change(
        _ step: StoreCore.Operation, expecting expected: Revision?, _ member: Int
    ) async -> Reply {
        switch step {
        case .put(let key, let value, _, _):
            let name = Name(key)
            let isNew = expected == Revision.none
            let version = expected.map { isNew ? "" : "\"resourceVersion\":\"\($0)\"," } ?? ""
            let body = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\(version)"
                + "\"namespace\":\"\(name.namespace)\",\"name\":\"\(name.name)\"},"
                + "\"data\":{\"v\":\"\(String(decoding: value, as: UTF8.self))\"}}"
            // Every second one of those that assume nothing is a patch.
            let isPatch = expected == nil && (value.last ?? 0) % 2 == 0
            let method: HTTPMethod = isNew ? .post : isPatch ? .patch : .put
            let target = isNew ? name.collection : name.path
            let answer = await members.ask(member, request(method, target, body: body))
            return reply(to: answer, mayConflict: expected != nil) { object in
                guard let entry = Entry(configMap: object) else { return .unknown }
                return .transacted(
                    TransactionReply(
                        revision: entry.modRevision, succeeded: true,
                        outcomes: [.put(previous: nil)]))
            }
        case .delete(let range, _):
            guard let key = range.onlyKey else { preconditionFailure("a deletion of a range") }
            let version = expected.map {
                ",\"preconditions\":{\"resourceVersion\":\"\($0)\"}"
            } ?? ""
            let body = "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\"\(version)}"
            let answer = await members.ask(member, request(.delete, Name(key).path, body: body))
            return reply(to: answer, mayConflict: expected != nil) { _ in .done }
        case .range: preconditionFailure("a read is no change")
        }
    }

    /// What an answer says of a change. Only what the server says has not happened counts as that.
    private func reply(
        to answer: MemberClients.Answer, mayConflict: Bool, _ success: (Value) -> Reply
    ) -> Reply {
        guard case .whole(let status, let body?) = answer else {
            if case .unreachable = answer { return .refused(.other("unreachable")) }
            return .unknown
        }
        let reason = body["reason"]?.text ?? ""
        switch (status, reason) {
        case (200, _), (201, _): return success(body)
        case (404, _) where body["details"]?["kind"]?.text == "namespaces":
            return .refused(.other("no namespace"))
        case (404, _), (409, "AlreadyExists"): return .failed
        // Of a change without a version it means that others were faster again and again.
        case (409, _): return mayConflict ? .failed : .refused(.other("outrun"))
        case (429, _): return .refused(.other("busy"))
        case (503, _) where body["message"]?.text == "etcdserver: no leader":
            return .refused(.other("no leader"))
        default: return .unknown
        }
    }

    private func get(_ key: [UInt8], _ member: Int) async -> Reply {
        switch await members.ask(member, request(.get, Name(key).path)) {
        case .whole(200, let object?): return Entry(configMap: object).map { .seen($0) } ?? .unknown
        case .whole(404, _): return .seen(nil)
        case .whole(let status, let body): return refusal(status, body)
        case .unreachable: return .refused(.other("unreachable"))
        case .lost: return .unknown
        }
    }

    private func list(_ query: RangeQuery, _ isSerializable: Bool, _ member: Int) async -> Reply {
        let path = Name.collection(of: query.range)
        var words = isSerializable ? "?resourceVersion=0" : ""
        if let revision = query.revision {
            // In pages, which are to fit together.
            words = "?resourceVersion=\(revision)&resourceVersionMatch=Exact&limit=5"
        }
        var entries: [Entry] = []
        while true {
            let list: Value
            switch await members.ask(member, request(.get, path + words)) {
            case .whole(200, let body?): list = body
            case .whole(let status, let body): return refusal(status, body)
            case .unreachable: return .refused(.other("unreachable"))
            case .lost: return .unknown
            }
            entries += (list["items"]?.items ?? []).compactMap { Entry(configMap: $0) }
                .filter { query.range.contains($0.key) }
            if let token = list["metadata"]?["continue"]?.text, !token.isEmpty {
                words = "?limit=5&continue=\(token)"
                continue
            }
            guard let revision = list["metadata"]?["resourceVersion"]?.number else {
                return .unknown
            }
            entries.sort { $0.key.lexicographicallyPrecedes($1.key) }
            return .found(Found(entries, count: entries.count), revision: Revision(revision))
        }
    }

    private func refusal(_ status: Int, _ body: Value?) -> Reply {
        .refused(.other("\(status) \(body?["message"]?.text ?? "")"))
    }

    private func request(
        _ method: HTTPMethod, _ target: String, body: String = ""
    ) -> HTTPClientRequest {
        let type = method == .patch ? "application/merge-patch+json" : "application/json"
        return HTTPClientRequest(
            method, target, headers: ["content-type": type], body: Array(body.utf8))
    }

    // MARK: Watches

    func watch(
        _ call: WatchCall, at member: Int, deliver: @Sendable (WatchRecord.Content) -> Void
    ) async {
        guard let from = call.from else { preconditionFailure("a watch from now on") }
        let target = Name.collection(of: call.range)
            + "?watch=true&allowWatchBookmarks=true&resourceVersion=\(from.number - 1)"
        let status = await members.lines(member, request(.get, target)) { line in
            guard let line, let object = line["object"] else { return true }
            guard let content = content(line["type"]?.text ?? "", object, call.range) else {
                return true
            }
            deliver(content)
            if case .ended = content { return false }
            return true
        }
        if let status, status != 200 { deliver(.ended(.other("\(status)"))) }
    }

    private func content(
        _ type: String, _ object: Value, _ range: KeyRange
    ) -> WatchRecord.Content? {
        guard type != "ERROR" else {
            return .ended(.other(object["message"]?.text ?? "error"))
        }
        guard let version = object["metadata"]?["resourceVersion"]?.number else { return nil }
        if type == "BOOKMARK" { return .progress(Revision(version)) }
        guard let entry = Entry(configMap: object), range.contains(entry.key) else { return nil }
        guard type == "DELETED" else { return .events([WatchEvent(.put(entry))]) }
        return .events([WatchEvent(.delete(key: entry.key, at: Revision(version)))])
    }
}

/// Where an object is.
private struct Name {
    let namespace: String
    let name: String

    init(_ key: [UInt8]) {
        let parts = key.split(separator: UInt8(ascii: "/"))
        namespace = String(decoding: parts[0], as: UTF8.self)
        name = String(decoding: parts[1], as: UTF8.self)
    }

    var collection: String { "/api/v1/namespaces/\(namespace)/configmaps" }
    var path: String { "\(collection)/\(name)" }

    /// The keys of one namespace, or of all that begin alike.
    static func collection(of range: KeyRange) -> String {
        guard range.start.last == UInt8(ascii: "/") else { return "/api/v1/configmaps" }
        let namespace = String(decoding: range.start.dropLast(), as: UTF8.self)
        return "/api/v1/namespaces/\(namespace)/configmaps"
    }
}

extension Entry {
    /// Nil for a ConfigMap that is not of ours.
    fileprivate init?(configMap object: Value) {
        guard let meta = object["metadata"], let name = meta["name"]?.text,
            let namespace = meta["namespace"]?.text, let value = object["data"]?["v"]?.text,
            let revision = meta["resourceVersion"]?.number
        else { return nil }
        self.init(
            key: Array("\(namespace)/\(name)".utf8), value: Array(value.utf8),
            createRevision: .none, modRevision: Revision(revision), version: 0)
    }
}
