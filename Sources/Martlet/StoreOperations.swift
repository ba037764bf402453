import API
import APIErrors
import Joining
import Peers
import Store
import StoreCore
import Synchronization

/// What an operator may ask of the store, at /martlet/store/: how it stands, and who belongs to it.
/// Whoever is in system:masters may; others by a role that names these paths.
struct StoreOperations: OperatorPaths {
    let store: Store
    let plan: ClusterPlan
    /// Nil if this member expects no others.
    let desk: JoinDesk?
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    private let snapshots = SnapshotDoor()

    init(
        store: Store, plan: ClusterPlan, desk: JoinDesk?, now: @escaping @Sendable () -> Int64
    ) {
        (self.store, self.plan, self.desk, self.now) = (store, plan, desk, now)
    }

    func answer(
        verb: String, path: String, query: QueryParameters
    ) async throws(APIError) -> APIResponse? {
        let parts = path.split(separator: "/").dropFirst().map(String.init)
        guard parts.first == "store" else { return nil }
        switch (verb, parts.count, parts.dropFirst().first) {
        case ("get", 2, "status"): return Self.json(status)
        case ("get", 2, "snapshot"): return try await snapshot()
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
            + "\"comparedRevision\":\(status.comparedRevision),"
            + "\"differencesFound\":\(store.differencesFound),"
            + "\"members\":[\(members.joined(separator: ","))]}"
    }

    // MARK: A copy of it

    /// All that this member knows to be committed, as one file. It is asked first what was
    /// committed anywhere; without a majority, it gives what it has, and says so.
    private func snapshot() async throws(APIError) -> APIResponse {
        guard let passage = snapshots.enter() else {
            throw .tooManyRequests(
                "\(SnapshotDoor.countMax) snapshots are being taken: wait for one to end",
                retryAfterSeconds: 10)
        }
        var isConfirmed = true
        do throws(StoreError) { try await store.confirmNewest() } catch {
            guard error == .noLeader else {
                throw .serviceUnavailable("\(error)", retryAfterSeconds: 1)
            }
            isConfirmed = false
        }
        let backup = store.backup(takenAt: now())
        var response = APIResponse(
            status: 200, contentType: "application/octet-stream",
            headers: [
                (SnapshotHeader.bytes, "\(backup.byteCount)"),
                (SnapshotHeader.confirmed, "\(isConfirmed)"),
            ],
            body: .stream { writer in
                defer { extendLifetime(passage) }
                var rest = backup
                while let chunk = try rest.next() { try await writer.write(chunk) }
            })
        response.isCompressible = false
        return response
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

/// What the answer with a snapshot says of it.
enum SnapshotHeader {
    static let bytes = "martlet-snapshot-bytes"
    /// Whether the member had all that was committed anywhere, or may have less.
    static let confirmed = "martlet-snapshot-confirmed"
}

/// Lets a few snapshots be taken at a time: each keeps files from being given back.
private final class SnapshotDoor: Sendable {
    static let countMax = 2
    private let count = Mutex(0)

    /// Held while a snapshot is on its way.
    final class Passage: Sendable {
        private let door: SnapshotDoor
        fileprivate init(_ door: SnapshotDoor) { self.door = door }
        deinit { door.count.withLock { $0 -= 1 } }
    }

    /// Nil if there are as many as may be.
    func enter() -> Passage? {
        let isIn = count.withLock { count in
            guard count < Self.countMax else { return false }
            count += 1
            return true
        }
        return isIn ? Passage(self) : nil
    }
}
