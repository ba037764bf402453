internal import StoreHistory

/// What the people who run the cluster have in hand: one step after the other, each until it is
/// done.
struct OperatorDesk {
    enum Step {
        /// Asks the cluster; counts as the fault when done.
        case change(MemberChange, FaultKind?)
        /// Installs a member on an empty node, and starts it.
        case install(MemberNumber, node: Int)
        /// Takes a member off its node, with its disk.
        case clear(node: Int)
    }

    var steps: [Step] = []
    /// The request that is under way.
    var request: RequestNumber?

    var isIdle: Bool { steps.isEmpty && request == nil }
}

extension World {
    private func nextMember() -> MemberNumber {
        memberCount += 1
        return MemberNumber(memberCount)
    }

    /// Gives a node that has lost its disk, or cannot use it, a new member in place of the old: as
    /// an operator would, or as the member itself does, which gives its number up before the others
    /// know of it.
    func replace(_ node: Node) {
        guard let old = node.member, !node.isBeingReplaced else { return }
        (node.isBeingReplaced, node.isRetired) = (true, true)
        bringBack()
        let new = nextMember()
        trace.note(now, 14, new.number, text: "\(old) is to be replaced by \(new)")
        let isOperator = faultRandom.chance(permille: 300)
        operatorDesk.steps +=
            isOperator
            ? [.change(.remove(old), nil), .clear(node: node.index), .change(.addLearner(new), nil)]
            : [.clear(node: node.index), .change(.exchange(old, by: new), nil)]
        operatorDesk.steps += [.install(new, node: node.index), .change(.promote(new), nil)]
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
                .change(.addLearner(new), .memberAdded), .install(new, node: node.index),
                .change(.promote(new), .memberPromoted),
            ]
        case .memberRemoved:
            let sound = present.filter { !plan.frail.contains($0.index) }
            guard present.count > settings.members, !sound.isEmpty else { return }
            let node = faultRandom.pick(sound)
            guard let member = node.member else { return }
            node.isLeaving = true
            operatorDesk.steps += [
                .change(.remove(member), .memberRemoved), .clear(node: node.index),
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
        case .change(let change, _):
            let candidates = nodes.filter { $0.isUp && !$0.isRetired }
            guard !candidates.isEmpty else { return }
            let node = faultRandom.pick(candidates)
            let request = self.request(
                .change(change), of: Self.operatorClient, to: node.index)
            operatorDesk.request = request
            queue.add(
                .timeout(client: Self.operatorClient, request),
                at: after(settings.stepMicrosecondsMax))
        case .install(let member, let index):
            operatorDesk.steps.removeFirst()
            let node = nodes[index]
            (node.member, node.founders) = (member, [])
            startLater(node, 1000...50_000)
        case .clear(let index):
            operatorDesk.steps.removeFirst()
            clear(nodes[index])
        }
    }

    private func clear(_ node: Node) {
        if node.isUp { crash(node, .unsynced) }
        node.disk.wipe()
        if let member = node.member { processes.note(endOf: member) }
        node.disk.isFull = false
        (node.member, node.standing) = (nil, Standing())
        (node.isDamaged, node.isLeaving, node.hasFailed) = (false, false, false)
        node.isRetired = false
    }

    private static func isNoLeader(_ answer: Answer) -> Bool {
        guard case .reply(.refused(.other(let reason))) = answer else { return false }
        return reason == "no leader here"
    }

    func finishStep(_ request: RequestNumber, _ answer: Answer) {
        guard operatorDesk.request == request else { return }
        operatorDesk.request = nil
        guard case .change(let change, let kind) = operatorDesk.steps.first else { return }
        trace.note(now, 15, request.number, text: "operator: \(change): \(answer)")
        guard case .done = answer else {
            // Handing over is best effort, once the leader has been found.
            if case .transferLeadership = change, !Self.isNoLeader(answer) {
                operatorDesk.steps.removeFirst()
            }
            return
        }
        operatorDesk.steps.removeFirst()
        if let kind { faults.add(kind) }
        if case .promote(let member) = change {
            nodes.first { $0.member == member }?.isBeingReplaced = false
        }
    }
}
