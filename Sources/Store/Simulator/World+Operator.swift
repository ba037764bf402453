internal import StoreHistory

/// What the people who run the cluster have in hand: one step after the other, each until it is
/// done.
struct OperatorDesk {
    enum Step {
        /// Asks the cluster; counts as the fault when done.
        case change(MemberChange, FaultKind?)
        /// Lets whoever is on the node by then decide, once it has the log.
        case promote(node: Int, FaultKind?)
        /// Removes the node's member, under all numbers that it has had.
        case remove(node: Int, FaultKind?)
        /// Installs a member on an empty node, and starts it.
        case install(MemberNumber, node: Int)
        /// Takes a member off its node, with its disk.
        case clear(node: Int)
    }

    var steps: [Step] = []
    /// The request that is under way, and what it asks for.
    var request: RequestNumber?
    var change: MemberChange?

    var isIdle: Bool { steps.isEmpty && request == nil }
}

extension World {
    private func nextMember() -> MemberNumber {
        memberCount += 1
        return MemberNumber(memberCount)
    }

    /// Whether no founder waits for others any more.
    var isFoundingOver: Bool {
        nodes.prefix(settings.members).allSatisfy(\.hasTakenPart)
    }

    /// Gives a node whose member cannot go on a new one, on an empty disk.
    func replace(_ node: Node) {
        guard let old = node.member, !node.isRetired else { return }
        (node.isBeingReplaced, node.isRetired) = (true, true)
        bringBack()
        let new = nextMember()
        trace.note(now, 14, new.number, text: "\(old) is to be replaced by \(new)")
        operatorDesk.steps += [
            .remove(node: node.index, nil), .clear(node: node.index),
            .change(.addLearner(new, place: node.index), nil), .install(new, node: node.index),
            .promote(node: node.index, nil),
        ]
    }

    /// A member has given its number up, and asks the others to let it in under another one.
    func succeed(_ node: Node, by successor: MemberNumber) {
        if let old = node.member { processes.note(endOf: old) }
        trace.note(
            now, 23, successor.number, text: "\(node.name) goes on as \(successor)")
        faults.add(.exchanged)
        bringBack()
        (node.member, node.founders, node.contacts) = (successor, [], [])
        node.numbers.append(successor)
        (node.isDamaged, node.hasLostAll, node.isBeingReplaced) = (false, false, true)
        node.hasTakenPart = true
        operatorDesk.steps.append(.promote(node: node.index, nil))
        startLater(node, 1000...50_000)
    }

    /// Starts a founder again with the same words, though its disk is empty.
    func startAnew(_ node: Node) {
        node.disk.wipe()
        let founder = MemberNumber(UInt64(node.index + 1))
        (node.member, node.founders) = (founder, nodes.founders(settings.members))
        node.contacts = []
        node.numbers.append(founder)
        (node.isBeingReplaced, node.hasLostAll) = (true, true)
        faults.add(.founderLost)
        bringBack()
        startLater(node, 1000...500_000)
    }

    /// Members come and go between two sizes.
    func strikeMembership(_ kind: FaultKind) {
        guard operatorDesk.steps.count < 6 else { return }
        let present = nodes.filter { $0.isWanted && !$0.isBeingReplaced }
        switch kind {
        case .memberAdded, .memberPromoted:
            guard let node = nodes.first(where: { $0.member == nil && !$0.isBeingReplaced }) else {
                return
            }
            node.isBeingReplaced = true
            let new = nextMember()
            operatorDesk.steps += [
                .change(.addLearner(new, place: node.index), .memberAdded),
                .install(new, node: node.index), .promote(node: node.index, .memberPromoted),
            ]
        case .memberRemoved:
            let sound = present.filter { !plan.frail.contains($0.index) }
            guard present.count > settings.members, !sound.isEmpty, isFoundingOver else { return }
            let node = faultRandom.pick(sound)
            node.isLeaving = true
            operatorDesk.steps += [
                .remove(node: node.index, .memberRemoved), .clear(node: node.index),
            ]
        default:
            guard !present.isEmpty, let member = faultRandom.pick(present).member else { return }
            operatorDesk.steps.append(
                .change(.transferLeadership(to: member), .leadershipTransferred))
        }
    }

    /// Takes the next step, if the one before is done.
    func operate() {
        guard phase != .reading, phase != .done else { return }
        queue.add(.operate, at: after(200_000))
        guard operatorDesk.request == nil, let step = operatorDesk.steps.first else { return }
        switch step {
        case .change(let change, _): ask(for: change)
        case .promote(let index, _):
            let node = nodes[index]
            guard let member = node.member, !node.isRetired, !node.isLeaving else {
                operatorDesk.steps.removeFirst()
                return
            }
            ask(for: .promote(member))
        case .remove(let index, let kind):
            // The one that the cluster knows now is among them, and the last to count.
            let numbers = nodes[index].numbers
            let removals = numbers.map { number in
                OperatorDesk.Step.change(.remove(number), number == numbers.last ? kind : nil)
            }
            operatorDesk.steps.replaceSubrange(0..<1, with: removals)
        case .install(let member, let index):
            operatorDesk.steps.removeFirst()
            let node = nodes[index]
            (node.member, node.numbers, node.founders) = (member, [member], [])
            node.contacts = nodes.compactMap { other in
                guard other !== node, !other.isRetired else { return nil }
                return other.member.map { Contact(member: $0, place: other.index) }
            }
            startLater(node, 1000...50_000)
        case .clear(let index):
            operatorDesk.steps.removeFirst()
            clear(nodes[index])
        }
    }

    private func ask(for change: MemberChange) {
        let candidates = nodes.filter { $0.isUp && !$0.isRetired }
        guard !candidates.isEmpty else { return }
        let node = faultRandom.pick(candidates)
        let request = self.request(.change(change), of: Self.operatorClient, to: node.index)
        (operatorDesk.request, operatorDesk.change) = (request, change)
        queue.add(
            .timeout(client: Self.operatorClient, request),
            at: after(settings.stepMicrosecondsMax))
    }

    private func clear(_ node: Node) {
        if node.isUp { crash(node, .unsynced) }
        node.disk.wipe()
        if let member = node.member { processes.note(endOf: member) }
        node.disk.isFull = false
        (node.member, node.standing, node.numbers) = (nil, Standing(), [])
        (node.isDamaged, node.wasDamaged, node.hasFailed) = (false, false, false)
        (node.isLeaving, node.hasLostAll, node.hasTakenPart) = (false, false, true)
        node.isRetired = false
    }

    private static func isNoLeader(_ answer: Answer) -> Bool {
        guard case .reply(.refused(.other(let reason))) = answer else { return false }
        return reason == "no leader here"
    }

    func finishStep(_ request: RequestNumber, _ answer: Answer) {
        guard operatorDesk.request == request else { return }
        operatorDesk.request = nil
        guard let change = operatorDesk.change.take(), let step = operatorDesk.steps.first else {
            return
        }
        trace.note(now, 15, request.number, text: "operator: \(change): \(answer)")
        guard case .done = answer else {
            // Handing over is best effort, once the leader has been found.
            if case .transferLeadership = change, !Self.isNoLeader(answer) {
                operatorDesk.steps.removeFirst()
            }
            return
        }
        operatorDesk.steps.removeFirst()
        switch step {
        case .change(_, let kind): if let kind { faults.add(kind) }
        case .promote(let index, let kind):
            // It may have taken another number meanwhile, which is promoted in its turn.
            guard case .promote(nodes[index].member) = change else { return }
            nodes[index].isBeingReplaced = false
            if let kind { faults.add(kind) }
        case .remove, .install, .clear: break
        }
    }
}

extension [Node] {
    /// The numbers that the first so many begin with.
    fileprivate func founders(_ count: Int) -> [MemberNumber] {
        prefix(count).map { MemberNumber(UInt64($0.index + 1)) }
    }
}
