import CaseFiles

@testable import Raft

/// A cluster told what to do line by line, in words that CaseTests.swift explains.
///
/// Unless told otherwise, what a line sends is delivered and what it writes is written before the
/// next line.
struct Script {
    private var cluster: Cluster
    private var output: [String] = []
    private var membership: Membership
    private var cuts: Set<Link> = []
    private var holds: Set<Link> = []
    private var held: [RaftMessage] = []
    private var stalled: Set<MemberID> = []
    /// Their appends are lost.
    private var muted: Set<MemberID> = []
    /// Messages on these links are shown.
    private var traced: Set<Link> = []

    struct Link: Hashable {
        var from: MemberID
        var to: MemberID
    }

    struct Unknown: Error {
        let line: String
    }

    static func run(_ lines: [Line]) throws -> [String] {
        guard let first = lines.first, first.verb == "members" else {
            throw Unknown(line: "a script begins with members")
        }
        var script = Script(members: first)
        if let leader = first["leader"].map(number) { try script.begin(leader) }
        for line in lines.dropFirst() { try script.run(line) }
        return script.output
    }

    private init(members line: Line) {
        membership = Membership(voters: line.words.dropFirst().map(number))
        cluster = Cluster(membership: membership)
        for id in membership.voters { start(id, membership, line) }
    }

    private mutating func start(_ id: MemberID, _ membership: Membership, _ line: Line) {
        cluster.add(id, membership: membership, seed: id.number) { configuration in
            configuration.appendEntriesMax = line.int("append-entries") ?? 1024
            configuration.appendsInFlightMax = line.int("in-flight") ?? 64
            configuration.appendBytesMax = line.int("append-bytes") ?? 1 << 20
            configuration.bytesInFlightMax = line.int("in-flight-bytes") ?? 8 << 20
            configuration.learnerLagEntriesMax = line.int("lag") ?? 1024
            configuration.uncommittedEntriesMax = line.int("uncommitted") ?? 65_536
            configuration.readsMax = line.int("reads") ?? 65_536
        }
    }

    /// A leader, and everybody knows that its first entry is committed.
    private mutating func begin(_ leader: MemberID) throws {
        try elect(leader)
        try settle()
        cluster.act(leader) { member, actions in member.tick(&actions) }
        try settle()
        cluster.events = []
    }

    private mutating func run(_ line: Line) throws {
        switch line.verb {
        case "elect", "tick", "pause", "unreachable", "propose", "change", "transfer", "read",
            "written", "farewell":
            try ask(line)
        case "cut", "heal", "hold", "release", "crash", "start", "stall", "sync", "join", "mute",
            "trace":
            try disturb(line)
        case "log": give(line)
        case "compact", "offer", "install", "sent", "lose": try store(line)
        case "send": cluster.receive(try message(line))
        case "show", "messages": show(line)
        default: throw Unknown(line: line.text)
        }
        try settle()
        output += cluster.events
        cluster.events = []
    }

    /// Delivers and writes all that is not held up.
    private mutating func settle() throws {
        repeat {
            for node in cluster.nodes where !stalled.contains(node.id) {
                cluster.finishWrites(node.id)
            }
            let messages = cluster.network
            cluster.network = []
            for message in messages {
                let link = Link(from: message.from, to: message.to)
                if cuts.contains(link) || isMuted(message) { continue }
                if holds.contains(link) { held.append(message) } else { pass(message) }
            }
            try cluster.check()
        } while !cluster.network.isEmpty
            || cluster.nodes.contains { !$0.writes.isEmpty && !stalled.contains($0.id) }
    }

    private func isMuted(_ message: RaftMessage) -> Bool {
        if case .append = message.body { muted.contains(message.from) } else { false }
    }

    private mutating func pass(_ message: RaftMessage) {
        if traced.contains(Link(from: message.from, to: message.to)) {
            cluster.events.append(describe(message))
        }
        cluster.receive(message)
    }

    // MARK: Calls

    private mutating func ask(_ line: Line) throws {
        let id = number(line.name)
        switch line.verb {
        case "elect": try elect(id)
        case "tick":
            let ids = line.name == "all" ? cluster.nodes.map(\.id) : [id]
            for _ in 0..<(line.int("times") ?? 1) {
                for id in ids { cluster.act(id) { member, actions in member.tick(&actions) } }
                try settle()
            }
        case "pause": cluster.act(id) { member, actions in member.notePaused(&actions) }
        case "unreachable":
            let other = number(line["by"])
            cluster.act(other) { member, _ in member.noteUnreachable(id) }
        case "propose":
            let sizes = Array(repeating: line.int("bytes") ?? 100, count: line.int("count") ?? 1)
            cluster.act(id) { member, actions in _ = try member.propose(sizes, &actions) }
        case "change":
            let changes = try changes(line)
            cluster.act(id) { member, actions in try member.propose(changes, &actions) }
        case "transfer":
            let target = line["to"].map(number)
            cluster.act(id) { member, actions in
                try member.transferLeadership(to: target, &actions)
            }
        case "farewell":
            cluster.act(id) { member, actions in actions.messages += member.farewell() }
        case "written":
            let index = LogIndex(number(line["through"]).number)
            let term = Term(number(line["term"]).number)
            cluster.act(id) { member, actions in
                member.written(through: index, term: term, &actions)
            }
        default:
            let context = ReadContext(number(line["context"]).number)
            cluster.act(id) { member, actions in member.read(context, &actions) }
        }
    }

    /// Time passes until the others would no longer stand by their leader, and then until `id`
    /// campaigns before they do.
    private mutating func elect(_ id: MemberID) throws {
        for node in cluster.nodes where node.id != id && node.member?.isLeader == false {
            while cluster.member(node.id)?.hearsFromLeader == true {
                cluster.act(node.id) { member, actions in member.tick(&actions) }
            }
        }
        for _ in 0..<20 where !cluster.events.contains("\(id) asks who would vote for it") {
            cluster.act(id) { member, actions in member.tick(&actions) }
        }
    }

    private func changes(_ line: Line) throws -> [MembershipChange] {
        line.list("add-learner").map { .addLearner(number($0)) }
            + line.list("promote").map { .promote(number($0)) }
            + line.list("demote").map { .demote(number($0)) }
            + line.list("remove").map { .remove(number($0)) }
    }

    // MARK: Faults

    private mutating func disturb(_ line: Line) throws {
        let ids = line.words.dropFirst().map(number)
        switch line.verb {
        case "cut": cuts.formUnion(links(line))
        case "heal": (cuts, holds, held, muted) = ([], [], [], [])
        case "mute": muted.formUnion(ids)
        case "trace": traced.formUnion(links(line))
        case "hold": holds.formUnion(links(line))
        case "release": release(line)
        case "crash": for id in ids { cluster.crash(id) }
        case "start": for id in ids { cluster.start(id) }
        case "stall": stalled.formUnion(ids)
        case "sync":
            // All writes from now on, or the next few only.
            guard let first = line.int("first") else { return stalled.subtract(ids) }
            for id in ids { for _ in 0..<first { cluster.finishWrite(id) } }
        default: for id in ids { start(id, .none, line) }
        }
    }

    /// `1>2` is one way, `1-2` both, and `1` all ways of that member.
    private func links(_ line: Line) -> [Link] {
        line.words.dropFirst().flatMap { word -> [Link] in
            let ends = word.split { $0 == ">" || $0 == "-" }.map { number(String($0)) }
            if ends.count == 2, word.contains(">") { return [Link(from: ends[0], to: ends[1])] }
            let others = ends.count == 2 ? [ends[1]] : cluster.nodes.map(\.id)
            return others.flatMap {
                [Link(from: ends[0], to: $0), Link(from: $0, to: ends[0])]
            }
        }
    }

    /// Held messages go on their way: all or some, in order or reversed, once or twice.
    private mutating func release(_ line: Line) {
        let links = Set(links(line))
        let free = held.filter { links.contains(Link(from: $0.from, to: $0.to)) }
        let count = line.int("first") ?? free.count
        held.removeAll { links.contains(Link(from: $0.from, to: $0.to)) }
        held += free.dropFirst(count)
        if line["first"] == nil { holds.subtract(links) }
        var released = Array(free.prefix(count))
        if line.says("reversed") { released.reverse() }
        if line.says("twice") { released += released }
        for message in released { pass(message) }
    }

    // MARK: Logs

    private mutating func store(_ line: Line) throws {
        let (id, other) = (number(line.name), number(line["to"]))
        let index = LogIndex(number(line["through"]).number)
        switch line.verb {
        case "compact": cluster.compact(id, to: index)
        case "offer": cluster.offer(from: id, to: other)
        case "install": cluster.install(id, isRepeated: true)
        case "sent":
            cluster.act(id) { member, _ in
                member.snapshotSent(to: other, through: index, succeeded: !line.says("not"))
            }
        default:
            cluster.loseDisk(id, after: index)
        }
    }

    /// A member comes up with entries of these terms on its disk.
    private mutating func give(_ line: Line) {
        let position = cluster.position(number(line.name))
        let terms = line.list("terms").map { Term(number($0).number) }
        for term in terms {
            cluster.nodes[position].disk.log.append(EntryHeader(term: term, bytes: 1))
        }
        let term = line["term"].map { Term(number($0).number) } ?? terms.last ?? .none
        cluster.nodes[position].disk.hardState = HardState(term: term)
        cluster.start(number(line.name))
    }

    // MARK: Forged messages

    private func message(_ line: Line) throws -> RaftMessage {
        let ends = line.name.split(separator: ">").map { number(String($0)) }
        let (term, index) = (Term(number(line["term"]).number), number(line["index"]).number)
        let last = EntryID(
            index: LogIndex(index), term: Term(number(line["entry-term"]).number))
        let terms = line.list("entries").map {
            EntryHeader(term: Term(number($0).number), bytes: 100)
        }
        let committed = LogIndex(number(line["committed"]).number)
        let body: RaftMessage.Body? =
            switch line.words.last {
            case "append": .append(previous: last, entries: terms, committed: committed)
            case "vote": .vote(last: last, isTransfer: line["transfer"] != nil)
            case "pre-vote": .preVote(last: last)
            case "accepted": .accepted(through: LogIndex(index))
            case "heartbeat": .heartbeat(committed: committed, round: 0)
            case "timeout-now": .timeoutNow
            default: nil
            }
        guard let body else { throw Unknown(line: line.text) }
        return RaftMessage(from: ends[0], to: ends[1], term: term, body: body)
    }

    // MARK: Showing

    private mutating func show(_ line: Line) {
        if line.verb == "messages" {
            output += held.map(describe)
            return
        }
        let ids = line.words.dropFirst().map(number)
        for node in cluster.nodes where ids.isEmpty || ids.contains(node.id) {
            output.append("  " + describe(node))
        }
    }

    private func describe(_ node: Cluster.Node) -> String {
        guard let member = node.member else { return "\(node.id) is down" }
        let role =
            switch member.role {
            case .leader: "leads"
            case .candidate, .preCandidate: "campaigns"
            case .follower(let leader?): "follows \(leader)"
            case .follower(nil): "alone"
            }
        var text = "\(node.id) \(role), term \(member.term), log"
        if member.log.base.index > .zero { text += " (\(member.log.base))" }
        var index = member.log.base.index.next
        while index <= member.log.lastIndex {
            if index == member.committed.next { text += " |" }
            text += " \(member.log.header(at: index).term)"
            index = index.next
        }
        if member.committed == member.log.lastIndex { text += " |" }
        if member.written < member.log.lastIndex { text += ", on disk to \(member.written)" }
        if member.membership != membership { text += ", " + describe(member.membership) }
        return text
    }

    private func describe(_ membership: Membership) -> String {
        let parts = [
            ("voters", membership.voters), ("outgoing", membership.outgoingVoters),
            ("learners", membership.learners), ("learners next", membership.learnersNext),
        ]
        return parts.filter { !$0.1.isEmpty }
            .map { name, ids in name + " " + ids.map(\.description).joined(separator: " ") }
            .joined(separator: ", ")
    }

    private func describe(_ message: RaftMessage) -> String {
        let text =
            switch message.body {
            case .preVote(let last): "pre-vote, last \(last)"
            case .preVoteAnswer(_, let isGranted): isGranted ? "would vote" : "would not vote"
            case .vote(let last, _): "vote, last \(last)"
            case .voteAnswer(let isGranted): isGranted ? "votes" : "does not vote"
            case .append(let previous, let entries, let committed):
                "append after \(previous): "
                    + entries.map(\.term.description).joined(separator: " ")
                    + " | \(committed)"
            case .accepted(let through): "accepted \(through)"
            case .rejected(let previous, let hint): "rejected \(previous), hint \(hint)"
            case .heartbeat(let committed, let round): "heartbeat \(round) | \(committed)"
            case .heartbeatAnswer(let round): "heartbeat answer \(round)"
            case .staleTerm: "stale term"
            case .read(let ticket): "read \(ticket.context)"
            case .readAnswer(let ticket, let index):
                "read \(ticket.context) answered \(index?.description ?? "nothing")"
            case .timeoutNow: "timeout now"
            case .snapshotOffer(let snapshot): "snapshot \(snapshot.last)"
            }
        return "  \(message.from)>\(message.to) term \(message.term): \(text)"
    }
}

private func number(_ text: String) -> MemberID { MemberID(UInt64(text) ?? 0) }
private func number(_ text: String?) -> MemberID { number(text ?? "0") }
