internal import StoreCore
internal import StoreHistory

extension World {
    /// A client looks at what it might do next.
    func wake(_ number: Int) {
        guard clients[number].waking == now else { return }
        clients[number].waking = nil
        openWatch(number)
        guard clients[number].call == nil else { return }
        if let last = clients[number].lastCalls.popLast() {
            return call(number, last.call, node: last.node)
        }
        guard phase == .chaos || phase == .healing else { return }
        if clients[number].isObserver {
            compactNow(number)
            wake(number, at: after(settings.observerMicroseconds))
        } else {
            let call = clients[number].nextCall(isChange: phase == .healing)
            self.call(number, call, node: clients[number].node)
        }
    }

    func call(_ client: Int, _ call: Call, node: Int) {
        let request = self.request(.call(call), of: client, to: node)
        let operation = invoke(client: client, call)
        clients[client].call = .init(request: request, operation: operation)
        queue.add(.timeout(client: client, request), at: after(settings.callMicrosecondsMax))
    }

    private func compactNow(_ number: Int) {
        let told = clients[number].told.number
        guard clients[number].random.chance(permille: plan.compactionPermille), told > 20 else {
            return
        }
        let revision = Revision(told - Int64(clients[number].random.below(15)))
        call(number, .compact(revision), node: clients[number].node)
    }

    private func moveOn(_ number: Int) {
        let candidates = nodes.filter(\.isWanted).map(\.index)
        guard !candidates.isEmpty else { return }
        if clients[number].isLoyal, phase == .chaos, candidates.contains(clients[number].node),
            clients[number].random.chance(permille: 850)
        {
            return
        }
        clients[number].node = clients[number].random.pick(candidates)
        // Clients get to know who leads: when that one is cut off, it has much under way.
        let leader = nodes.first { $0.isUp && $0.isWanted && $0.standing.isLeader }
        if let leader, clients[number].random.chance(permille: 500) {
            clients[number].node = leader.index
        }
    }

    /// When things are to come right again, nobody takes his time.
    private var restMicrosecondsMax: Int64 {
        phase == .chaos ? settings.restMicrosecondsMax : min(settings.restMicrosecondsMax, 200_000)
    }

    private var silenceMicroseconds: Int64 {
        phase == .chaos
            ? settings.silenceMicrosecondsMax : min(settings.silenceMicrosecondsMax, 5_000_000)
    }

    private func wakeLater(_ number: Int, _ microseconds: ClosedRange<Int64>) {
        wake(number, at: after(clients[number].random.between(microseconds)))
    }

    /// Sees to it that a client looks what to do next, at `moment` or sooner.
    func wake(_ number: Int, at moment: Moment) {
        if let planned = clients[number].waking, planned <= moment { return }
        clients[number].waking = moment
        queue.add(.wake(client: number), at: moment)
    }

    // MARK: Answers

    func deliver(_ answer: Answer, to number: RequestNumber) {
        guard let there = pending[number] else { return }
        if there.client == Self.operatorClient {
            pending[number] = nil
            return finishStep(number, answer)
        }
        if there.client == Self.leaseClient {
            pending[number] = nil
            return finishLease(number, answer)
        }
        switch answer {
        case .watch(let content): deliver(content, number, there.client)
        case .reply(let reply):
            pending[number] = nil
            finish(number, reply, there.client)
        case .done: pending[number] = nil
        }
    }

    private func finish(_ request: RequestNumber, _ reply: Reply, _ number: Int) {
        if clients[number].watch?.request == request {
            // A watch that could not be opened.
            return endWatch(number)
        }
        guard let underway = clients[number].call, underway.request == request else { return }
        clients[number].call = nil
        let call = history.operations[underway.operation].call
        trace.note(now, 9, request.number, text: "\(request) \(HistoryText.text(reply))")
        if reply != .unknown { complete(underway.operation, reply) }
        clients[number].workload.learn(call, reply)
        switch reply {
        case .transacted(let transacted):
            if transacted.isChange { clients[number].progressed = now }
            wakeLater(number, 1000...restMicrosecondsMax)
        case .unknown, .refused(.other):
            repeatLastCall(number, call)
            moveOn(number)
            wakeLater(number, phase == .reading ? 1000...20_000 : 20_000...200_000)
        default: wakeLater(number, 1000...restMicrosecondsMax)
        }
    }

    /// The last reads have to succeed, each at its member.
    private func repeatLastCall(_ number: Int, _ call: Call) {
        guard phase == .reading else { return }
        clients[number].lastCalls.append(.init(call: call, node: clients[number].node))
    }

    func timeOut(_ client: Int, _ request: RequestNumber) {
        guard client != Self.operatorClient else {
            pending[request] = nil
            return finishStep(request, .reply(.unknown))
        }
        guard client != Self.leaseClient else {
            if pending[request] != nil { hangUp(request) }
            return finishLease(request, .reply(.unknown))
        }
        guard let underway = clients[client].call, underway.request == request else { return }
        trace.note(now, 10, request.number, text: "\(request) has timed out")
        hangUp(request)
        finish(request, .unknown, client)
    }

    func disconnect(_ request: RequestNumber) {
        guard let there = pending.removeValue(forKey: request) else { return }
        if there.client == Self.operatorClient {
            return finishStep(request, .reply(.unknown))
        }
        if there.client == Self.leaseClient {
            return finishLease(request, .reply(.unknown))
        }
        finish(request, .unknown, there.client)
    }

    // MARK: Watches

    private func openWatch(_ number: Int) {
        guard clients[number].watch == nil, phase != .done else { return }
        var call = WatchCall(.all, from: clients[number].told.next, wantsPrevious: true)
        if !clients[number].isObserver {
            guard phase == .chaos, clients[number].random.chance(permille: 100) else { return }
            call = chooseWatch(number)
        }
        clients[number].watchRange = call.range
        let request = self.request(.call(.watch(call)), of: number, to: clients[number].node)
        let operation = invoke(client: number, .watch(call))
        clients[number].watch = .init(request: request, operation: operation)
        clients[number].heard = now
        queue.add(
            .silence(client: number, request, now), at: after(silenceMicroseconds))
    }

    /// A part of the keys, from where its last watch ended or from now on.
    private func chooseWatch(_ number: Int) -> WatchCall {
        let key = clients[number].random.pick(Workload.keys)
        let ranges: [KeyRange] = [.all, .key(key), KeyRange(from: key, to: nil)]
        let isGoingOn = clients[number].random.chance(permille: 600)
        return WatchCall(
            isGoingOn ? clients[number].watchRange : clients[number].random.pick(ranges),
            from: isGoingOn ? clients[number].told.next : nil,
            wantsPrevious: clients[number].random.chance(permille: 500))
    }

    private func deliver(
        _ content: WatchRecord.Content, _ request: RequestNumber, _ number: Int
    ) {
        guard let watch = clients[number].watch, watch.request == request else { return }
        noteDelivery(watch.operation, content)
        trace.note(
            now, 11, request.number,
            text: "\(request) told \(HistoryText.text(.watched(.init([.init(at: now, content)]))))")
        clients[number].heard = now
        switch content {
        case .created(let revision):
            if case .watch(let call) = history.operations[watch.operation].call, call.from == nil {
                clients[number].told = revision
            }
        case .events(let events):
            for event in events {
                clients[number].told = max(clients[number].told, event.revision)
            }
        case .progress(let revision):
            clients[number].told = max(clients[number].told, revision)
        case .ended(let reason):
            // The observer alone compacts, and only what it has seen.
            if case .compacted(let oldest) = reason { clients[number].told = oldest }
            pending[request] = nil
            endWatch(number)
        }
        let isBored = !clients[number].isObserver && clients[number].random.chance(permille: 30)
        if isBored, clients[number].watch != nil {
            hangUp(request)
            endWatch(number)
        }
    }

    private func endWatch(_ number: Int) {
        clients[number].watch = nil
        moveOn(number)
        if clients[number].isObserver {
            clients[number].watchRange = .all
            wakeLater(number, 20_000...200_000)
        }
    }

    func noteSilence(_ number: Int, _ request: RequestNumber, _ since: Moment) {
        guard clients[number].watch?.request == request else { return }
        guard clients[number].heard == since else {
            return queue.add(
                .silence(client: number, request, clients[number].heard),
                at: after(silenceMicroseconds))
        }
        hangUp(request)
        endWatch(number)
    }
}
