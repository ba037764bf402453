/// A decision: this pod is to be bound to this node.
public struct Placement: Equatable, Sendable {
    public var pod: PodName
    public var uid: String
    public var node: String
}

/// A decision: at present this pod fits nowhere.
public struct Rejection: Equatable, Sendable {
    public var pod: PodName
    public var uid: String
    /// For the event FailedScheduling and the condition PodScheduled=False, reason Unschedulable.
    public var message: String
}

/// What the scheduler does next.
public enum SchedulingStep: Equatable, Sendable {
    case bind(Placement)
    case reject(Rejection)
    /// Nothing, until something changes or this moment has come.
    case idle(until: Duration?)
}

extension SchedulerEngine {
    /// Decides about the next pod.
    ///
    /// - Parameter now: Time since any fixed moment; never less than in an earlier call.
    /// - Complexity: O(nodes) for the strategy; filters look only at nodes that changed.
    public mutating func next(now: Duration) -> SchedulingStep {
        queue.advance(now: now)
        retryWhatMayFit(now: now)
        guard let entry = queue.popActive() else { return .idle(until: queue.nextDeadline) }
        entry.standing = .ignored
        entry.attempts += 1
        entry.lastAttemptAt = now
        return decide(entry, now: now)
    }

    /// Hears how the write of a placement went.
    ///
    /// After success there is nothing to do: the pod will be seen with its node. After a failure
    /// the node gets its share back, and the pod is tried again after a pause, unless it has gone
    /// or is bound by then.
    public mutating func finishBinding(of placement: Placement, succeeded: Bool, now: Duration) {
        guard !succeeded, let entry = pods[placement.pod], entry.description.uid == placement.uid
        else { return }
        switch entry.standing {
        case .assumed(let node) where table.places[node]?.description.name == placement.node: break
        case .elsewhere where entry.description.nodeName == nil
            && entry.strayNode == placement.node: break
        default: return
        }
        takeOff(entry)
        entry.queuedAt = now
        queue.enqueue(entry, now: now)
    }

    /// Puts together the question that would be asked about a pod now, without deciding anything.
    ///
    /// - Parameter body: is handed the question and the name of the node in each place; nil where
    ///   the node is not feasible or there is none.
    /// - Returns: false, without a call, if there is no such pod or no node is feasible.
    @discardableResult
    public mutating func question(about pod: PodName,
                                  _ body: (StrategyQuestion, [String?]) -> Void) -> Bool {
        guard let podClass = pods[pod]?.podClass else { return false }
        let cache = caches.current(for: podClass, table)
        guard cache.feasibleCount > 0 else { return false }
        let question = sheet.question(podClass, cache, table, &counters, reads: strategy.reads,
                                      dirty: nil)
        body(question, table.places.indices.map { node in
            cache.feasible[node] == 0 ? nil : table.places[node]?.description.name
        })
        return true
    }

    private mutating func decide(_ entry: PodEntry, now: Duration) -> SchedulingStep {
        let cache = caches.current(for: entry.podClass, table)
        guard let node = bestNode(for: entry.podClass, cache),
            let name = table.places[node]?.description.name
        else { return reject(entry, cache, now: now) }
        put(entry, on: node, standing: .assumed(node: node))
        let pod = entry.description
        return .bind(Placement(pod: pod.name, uid: pod.uid, node: name))
    }

    private mutating func bestNode(for pod: PodClass, _ cache: ClassCache) -> Int? {
        guard cache.feasibleCount > 0 else { return nil }
        let strategy = strategy
        let narrows = strategy.narrows
        if narrows {
            let question = sheet.question(pod, cache, table, &counters, reads: strategy.reads,
                                          dirty: nil)
            unsafe strategy.narrow(question, feasible: cache.feasible.mutableBase)
            cache.recountNarrowed(table)
            guard cache.feasibleCount > 0 else { return nil }
        }
        let isKnown = cache.scoredEpoch == strategy.epoch && !narrows
        let question = sheet.question(pod, cache, table, &counters, reads: strategy.reads,
                                      dirty: isKnown ? cache.dirty : nil)
        strategy.score(question)
        let node = pick.best(cache.scores, cache.feasible, count: table.placeCount)
        if let node { strategy.picked(node, question) }
        cache.scoredEpoch = strategy.epoch
        cache.forgetDirty()
        return node
    }

    private mutating func reject(_ entry: PodEntry, _ cache: ClassCache,
                                 now: Duration) -> SchedulingStep {
        let message: String
        if let known = cache.rejection, known.position == table.changes.position {
            message = known.message
        } else {
            message = RejectionText.of(entry.podClass, cache, table)
            cache.rejection = (table.changes.position, message)
        }
        queue.park(entry, now: now)
        let pod = entry.description
        return .reject(Rejection(pod: pod.name, uid: pod.uid, message: message))
    }

    /// Wakes the pods that would now fit on a node that changed for the better, and all of them
    /// when the strategy is another: it may have turned nodes down.
    private mutating func retryWhatMayFit(now: Duration) {
        if strategy.epoch != lastEpoch {
            lastEpoch = strategy.epoch
            for podClass in queue.waitingClasses { queue.retry(podClass, now: now) }
        }
        guard !table.improved.isEmpty else { return }
        let nodes = table.takeImproved()
        for podClass in queue.waitingClasses where fits(podClass, onAnyOf: nodes) {
            queue.retry(podClass, now: now)
        }
    }

    private func fits(_ podClass: PodClass, onAnyOf nodes: [Int]) -> Bool {
        nodes.contains { node in
            guard let description = table.places[node]?.description,
                table.verdict(ofPodsOn: node, for: podClass) == .feasible
            else { return false }
            return podClass.key.demand.verdict(on: description, names: podClass.nodeNames)
                == .feasible
        }
    }
}
