import APIClient
import Joining
import Logging
import Peers
import Store
import StoreCore
import Synchronization
import Transport

/// What joins a member's store to those of other members: frames go out and come in over the peer
/// network, and new members are let in. A member that expects nobody has none of it.
struct ClusterLinks: Sendable {
    let desk: JoinDesk
    let network: PeerNetwork
    private let plan: ClusterPlan
    private let store: StoreBox

    /// The store, once it is open.
    private final class StoreBox: Sendable {
        private let store = Mutex<Store?>(nil)
        var opened: Store? { store.withLock { $0 } }
        func put(_ opened: Store) { store.withLock { $0 = opened } }
    }

    /// Nil if no other members are expected.
    init?(_ settings: Settings, _ identity: ClusterIdentity, _ time: SystemTime) throws {
        guard settings.cluster.opensPeerPort else { return nil }
        let (plan, store) = (settings.cluster, StoreBox())
        (self.plan, self.store) = (plan, store)
        desk = try JoinDesk(settings, identity, time) { request throws(JoinRefusal) in
            guard let opened = store.opened else { throw .notNow("the member is starting") }
            return try await Admission(plan: plan, store: opened).admit(request)
        }
        network = try PeerNetwork(
            PeerNetworkConfiguration(settings, identity, time, joinDesk: desk),
            receive: { store.opened?.receive(frame: $0, from: $1) },
            unreachable: { store.opened?.noteUnreachable($0) })
    }

    /// Listens for other members.
    func start() async throws {
        do throws(ListenError) { _ = try await network.start() } catch {
            throw SettingError(
                "--peer-listen",
                "\(plan.listenHost):\(plan.listenPort) cannot be had: \(error.reason)")
        }
    }

    /// What the store is to know of its cluster.
    ///
    /// - Parameters:
    ///   - joined: What the member that let this one in had to tell; nil if nobody had to.
    ///   - hasStore: Whether there is a store already, which knows all that.
    func options(
        joined: [UInt8]?, hasStore: Bool, onLeadership: @escaping @Sendable (Bool) -> Void
    ) throws -> ClusterOptions {
        let me = ClusterOptions.Founder(name: plan.name, peerAddress: plan.advertised)
        let beginning: ClusterOptions.Beginning
        switch plan.start {
        case .alone: beginning = .founding([me])
        case .join where hasStore: beginning = .founding([me])
        case .new(let cluster):
            beginning = .founding(cluster.members.map {
                .init(name: $0.name, peerAddress: $0.address.description)
            })
        case .join(let giver):
            guard let card = try joined.map({ try MemberCard(text: $0) }) else {
                throw JoinError(giver: giver, reason: "the data directory is of no cluster; empty it")
            }
            beginning = .joining(
                cluster: card.cluster, member: card.member, contacts: card.contacts)
        }
        let network = network
        var options = ClusterOptions(me: me, beginning: beginning) { frame, member, address in
            network.send(frame, to: member, at: address)
        }
        options.onLeadership = onLeadership
        options.onRefusedFrame = { Logger(label: "store").warning("\($0)") }
        options.onSnapshotReady = {
            Restart.now(because: "the log of another member takes this one's place")
        }
        options.onGivenUp = {
            Restart.now(because: "this member gives its number up, and the others let it in anew")
        }
        options.onDifference = { LineLogHandler.say($0.text) }
        options.onExchange = { old, new, name in
            Logger(label: "store").notice(
                "member \(name) has given its log up: it is let in anew, as \(new) in place of \(old)")
        }
        return options
    }

    /// From now on frames reach the store.
    func connect(_ opened: Store) { store.put(opened) }
}

/// Decides whether somebody who knows a token becomes a member.
private struct Admission {
    let plan: ClusterPlan
    let store: Store

    /// Adds the member as a learner, and returns its ``MemberCard``. One that the cluster began
    /// with is a member already, and gets nothing but the cluster's secrets; unless it has been
    /// removed since, or was lost.
    func admit(_ request: JoinRequest) async throws(JoinRefusal) -> [UInt8] {
        if case .new(let cluster) = plan.start, cluster[request.name] != nil {
            let isMember = store.memberStatus?.members.contains { $0.name == request.name }
            if isMember ?? true { return [] }
        }
        guard InitialCluster.isName(request.name), PeerAddress(request.address) != nil else {
            throw .never("the new member has to say where others find it: give it --peer-listen")
        }
        guard let status = store.memberStatus else { throw .notNow("the member is starting") }
        let known = status.members.first { $0.name == request.name }
        if let known, known.peerAddress != request.address {
            throw .never("there is a member \(request.name) at \(known.peerAddress)")
        }
        let number = known?.number ?? .random(in: 1 ... .max)
        if known == nil {
            do throws(MemberChangeRefusal) {
                try await store.change(
                    .addLearner(
                        number, .init(name: request.name, peerAddress: request.address)))
            } catch {
                throw .notNow("\(error)")
            }
        }
        let contacts = status.members.map {
            ($0.number, ClusterOptions.Founder(name: $0.name, peerAddress: $0.peerAddress))
        }
        return MemberCard(
            cluster: status.cluster, member: number,
            contacts: Dictionary(contacts) { first, _ in first }).text
    }
}

/// What a new member has to know of its cluster to find the others: a line of text for each fact.
struct MemberCard: Equatable {
    var cluster: UInt64
    var member: UInt64
    var contacts: [UInt64: ClusterOptions.Founder]

    struct Unreadable: Error {}

    init(cluster: UInt64, member: UInt64, contacts: [UInt64: ClusterOptions.Founder]) {
        (self.cluster, self.member, self.contacts) = (cluster, member, contacts)
    }

    var text: [UInt8] {
        var lines = ["cluster \(cluster)", "member \(member)"]
        for (number, contact) in contacts.sorted(by: { $0.key < $1.key }) {
            lines.append("contact \(number) \(contact.name) \(contact.peerAddress)")
        }
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// - Throws: ``Unreadable``.
    init(text: [UInt8]) throws(Unreadable) {
        var (cluster, member): (UInt64?, UInt64?) = (nil, nil)
        contacts = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("cluster", 2): cluster = UInt64(words[1])
            case ("member", 2): member = UInt64(words[1])
            case ("contact", 4):
                guard let number = UInt64(words[1]) else { throw Unreadable() }
                contacts[number] = .init(name: words[2], peerAddress: words[3])
            default: throw Unreadable()
            }
        }
        guard let cluster, let member else { throw Unreadable() }
        (self.cluster, self.member) = (cluster, member)
    }
}

/// Promotes learners that have caught up. Work of the member that leads.
struct LearnerPromotion: Sendable {
    let store: Store
    let time: SystemTime

    private static let interval = Duration.milliseconds(500)

    func run() async {
        while true {
            do { try await time.sleep(for: Self.interval) } catch { return }
            for learner in store.memberStatus?.members ?? [] where !learner.isVoter {
                // Refused until it has the log: then it is tried again.
                do throws(MemberChangeRefusal) {
                    try await store.change(.promote(learner.number))
                } catch { continue }
            }
        }
    }
}
