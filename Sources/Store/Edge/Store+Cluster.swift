internal import Raft
public import StoreCore
internal import Synchronization

// A store of several members. Each member reads what it has; writes find the leader by themselves.

extension Store {
    /// Takes a frame that another member has sent.
    ///
    /// - Parameter sender: What the member is called that the connection has proven to be there.
    public func receive(frame: [UInt8], from sender: String = "") {
        writer.receive(Inbox.Frame(bytes: frame, sender: sender))
    }

    /// What was sent to a member may be lost: it is sent again.
    public func noteUnreachable(_ member: UInt64) {
        // If there is no room for it, the next answer to a heartbeat tells the same.
        _ = writer.call(.unreachable(MemberID(member)))
    }

    /// Returns once this member has everything that was committed anywhere when the call was made:
    /// what is read after it is no older.
    ///
    /// - Throws: ``StoreError/noLeader`` if nobody can tell within five seconds; `.overloaded`,
    ///   `.closed`.
    /// - Complexity: Nothing for a store of one member; else a round of messages, which all that
    ///   wait share.
    public func confirmNewest() async throws(StoreError) {
        guard isClustered else { return }
        let deadline = ContinuousClock.now + Forwarding.patience
        while true {
            do throws(StoreError) {
                _ = try await decision { completion in
                    if !self.writer.call(.read(completion)) { completion(.failure(.overloaded)) }
                }
                return
            } catch .noLeader where ContinuousClock.now < deadline {
                continue  // The leader that was asked is gone: another one may know.
            }
        }
    }

    /// Whether this member decides proposals, as far as it knows. Its own reads are most likely as
    /// new as any, but for what its disk has not written yet while those of others have.
    public var isDeciding: Bool {
        !isClustered || shared.state.withLock { $0.status.map { $0.leader == $0.me } ?? false }
    }

    /// How things stand with this member; nil for a store of one member.
    public var memberStatus: MemberStatus? {
        shared.state.withLock { state in
            var status = state.status
            status?.revision = state.durable
            status?.logBytes = state.segments.totalBytes
            return status
        }
    }

    /// Changes who belongs to the cluster. Returns when the change is under way; it is done once
    /// ``memberStatus`` shows it.
    ///
    /// - Throws: ``MemberChangeRefusal``.
    public func change(_ change: MemberChange) async throws(MemberChangeRefusal) {
        let raftChange: MembershipChange
        var addresses: [MemberID: ClusterMembers.Address] = [:]
        switch change {
        case .addLearner(let number, let member):
            raftChange = .addLearner(MemberID(number))
            addresses[MemberID(number)] = .init(name: member.name, peer: member.peerAddress)
        case .promote(let number): raftChange = .promote(MemberID(number))
        case .remove(let number): raftChange = .remove(MemberID(number))
        }
        let announced = addresses
        try await answer { .change([raftChange], announced, $0) }
    }

    /// Places found so far at which the log's files hold something else than was written to them.
    public var damageFound: Int { shared.damageFound.load(ordering: .relaxed) }

    /// How often this member has found that members hold different things at one revision.
    public var differencesFound: Int { shared.differencesFound.load(ordering: .relaxed) }

    /// Bytes of the log's files that have been read through in search of damage.
    public var scrubbedBytes: Int { shared.scrubbedBytes.load(ordering: .relaxed) }

    /// Hands leadership to a member, or to whoever has most of the log.
    ///
    /// - Throws: ``MemberChangeRefusal``, if this member does not lead, above all.
    public func transferLeadership(to member: UInt64? = nil) async throws(MemberChangeRefusal) {
        try await answer { .transfer(member.map { MemberID($0) }, $0) }
    }

    private func answer(
        _ call: (@escaping @Sendable (RaftRefusal?) -> Void) -> Inbox.Call
    ) async throws(MemberChangeRefusal) {
        let refusal: Result<RaftRefusal?, MemberChangeRefusal> = await withCheckedContinuation {
            continuation in
            let call = call { continuation.resume(returning: .success($0)) }
            if !writer.call(call) {
                continuation.resume(returning: .failure(MemberChangeRefusal(unreachable: ())))
            }
        }
        if let refusal = try refusal.get() { throw MemberChangeRefusal(refusal) }
    }
}
