internal import Raft
internal import Replica
internal import StoreCore
internal import StoreHistory
internal import StoreSimulator

/// One client's watch.
struct Watch {
    var number: RequestNumber
    var call: WatchCall
    /// Told of everything up to here.
    var position: Revision
}

extension ReplicaProcess {
    static func proposal(_ call: Call) -> Proposal? {
        switch call {
        case .transact(let transaction): .transaction(transaction)
        case .compact(let revision): .compact(revision)
        case .range, .watch: nil
        }
    }

    func answer(_ number: RequestNumber, _ answer: Answer) { out.answers.append((number, answer)) }

    func refuse(_ number: RequestNumber, _ request: Request) {
        switch request {
        case .call(.watch):
            answer(number, .watch(.ended(.other("it is starting"))))
        case .call, .change, .lease: answer(number, .reply(.refused(.other("it is starting"))))
        case .hangUp: break
        }
    }

    func take(_ request: Request, _ number: RequestNumber) throws(StoreError) {
        switch request {
        case .hangUp: watches.removeAll { $0.number == number }
        case .change(let change): take(change, number)
        case .lease(let lease): try propose(proposal(lease), .lease(number))
        case .call(let call): try take(call, number)
        }
    }

    private func take(_ call: Call, _ number: RequestNumber) throws(StoreError) {
        switch call {
        case .watch(let watch): try open(watch, number)
        case .range(let query, isSerializable: true):
            let reply = try unlessDamaged { process throws(StoreError) in
                try process.found(query)
            }
            answer(number, .reply(reply ?? Self.damaged))
        case .range(let query, isSerializable: false):
            running?.replica.read(ticket: ticket(for: .read(number, query)), &core, &effects)
        case .compact(let revision): try propose(.compact(revision), .compact(number))
        case .transact(let transaction):
            do throws(StoreError) { try transaction.check() } catch {
                return answer(number, .reply(Self.refusal(error)))
            }
            let proposal = Proposal.transaction(transaction)
            if isDiskFull, !proposal.mayUseReserve {
                return answer(number, .reply(Self.refusal(.noSpace)))
            }
            try propose(proposal, .transact(number))
        }
    }

    // MARK: Answers

    func take(_ answer: Effects.Answer) throws(StoreError) {
        switch questions.removeValue(forKey: answer.ticket) {
        case nil: preconditionFailure("each question is answered once")
        case .leaseUpkeep: break
        case .lease(let number):
            switch answer.result {
            case .success: self.answer(number, .done)
            case .failure(let error): self.answer(number, .reply(Self.refusal(error)))
            }
        case .copied(let resume): noteCopied(resume, isDone: (try? answer.result.get()) != nil)
        case .checkpoint(let number):
            noteBarrier(number, isPassed: (try? answer.result.get()) != nil)
        case .transact(let number):
            self.answer(number, .reply(try reply(answer.result) { decision throws(StoreError) in
                .transacted(try transacted(decision))
            }))
        case .compact(let number):
            self.answer(number, .reply(try reply(answer.result) { _ in .compacted }))
        case .read(let number, let query):
            let reply = try unlessDamaged { process throws(StoreError) in
                try process.reply(answer.result) { _ throws(StoreError) in
                    try process.found(query)
                }
            }
            self.answer(number, .reply(reply ?? Self.damaged))
        }
    }

    private static let damaged = Reply.refused(.other("damaged"))

    private func reply(
        _ result: Result<Decision, StoreError>,
        _ body: (Decision) throws(StoreError) -> Reply
    ) throws(StoreError) -> Reply {
        switch result {
        case .success(let decision): try body(decision)
        case .failure(let error): Self.refusal(error)
        }
    }

    static func refusal(_ error: StoreError) -> Reply {
        switch error {
        case .compacted(_, let oldest): .refused(.compacted(oldest: oldest))
        case .future: .refused(.future)
        case .outcomeUnknown, .closed: .unknown
        case .noLeader: .refused(.other("noLeader"))  // often: describing the error takes long
        default: .refused(.other("\(error)"))
        }
    }

    private func transacted(_ decision: Decision) throws(StoreError) -> TransactionReply {
        var outcomes: [Outcome] = []
        for outcome in decision.outcomes {
            switch outcome {
            case .put(let previous):
                outcomes.append(.put(previous: try previous.map(entry)))
            case .deleted(let count, let previous):
                outcomes.append(.deleted(count: count, previous: try previous.map(entry)))
            case .range(let query, let places, let count):
                let entries = try places.map(entry)
                outcomes.append(.found(Found(query.sorted(entries), count: count)))
            }
        }
        return TransactionReply(
            revision: decision.revision, succeeded: decision.succeeded, outcomes: outcomes)
    }

    /// A range as of what is published here.
    private func found(_ query: RangeQuery) throws(StoreError) -> Reply {
        let revision = query.revision ?? core.published
        do throws(StoreError) {
            try core.checkReadable(revision, current: core.published)
        } catch { return Self.refusal(error) }
        var harvest = StoreState.Harvest()
        _ = core.collect(
            query.range, at: revision, limit: query.collectedMax, stepsMax: .max, into: &harvest)
        let entries = query.sorted(try harvest.places.map(entry))
        return .found(Found(entries, count: harvest.count), revision: core.published)
    }

    func entry(_ place: Place) throws(StoreError) -> Entry {
        try files.withSegment(place.segment) { bytes throws(StoreError) in
            guard let change = Change(checkedAt: Int(place.offset), in: bytes) else {
                throw StoreError.damaged(
                    file: files.name(of: place.segment),
                    LogDamage(offset: Int(place.offset), reason: .contents))
            }
            return Self.entry(change, in: bytes)
        }
    }

    static func entry(_ change: Change, in bytes: RawSpan) -> Entry {
        let value = change.valueOffset..<change.valueOffset + change.valueBytes
        return Entry(
            key: [UInt8](bytes.extracting(change.keyOffset..<change.valueOffset)),
            value: [UInt8](bytes.extracting(value)), createRevision: change.createRevision,
            modRevision: change.modRevision, version: change.version, lease: change.lease)
    }

    // MARK: Watches

    private func open(_ call: WatchCall, _ number: RequestNumber) throws(StoreError) {
        let from = call.from ?? core.published.next
        guard from >= core.compacted else {
            return answer(number, .watch(.ended(.compacted(oldest: core.compacted))))
        }
        answer(number, .watch(.created(core.published)))
        watches.append(
            Watch(number: number, call: call, position: Revision(from.number - 1)))
        try catchUp(watches.count - 1)
        if watches[watches.count - 1].position < told { watches.removeLast() }
    }

    /// Tells those who are up to date of what was published just now; the others are brought there.
    func tell(_ changes: [AppliedChange]) throws(StoreError) {
        let published = core.published
        guard published > told else { return }
        defer { told = published }
        guard !watches.isEmpty else { return }
        let isWhole = changes.first.map { $0.revision == told.next } ?? false
        let events = isWhole ? try changes.map(event) : []
        for place in watches.indices.reversed() {
            guard watches[place].position < published else { continue }
            if isWhole, watches[place].position >= told {
                deliver(
                    events.filter { $0.revision > watches[place].position }, to: place)
                watches[place].position = published
            } else {
                try catchUp(place)
                if watches[place].position < published { watches.remove(at: place) }
            }
        }
    }

    private func event(_ change: AppliedChange) throws(StoreError) -> WatchEvent {
        let previous = try change.previous.map(entry)
        return try event(at: change.place, previous: previous)
    }

    private func event(at place: Place, previous: Entry?) throws(StoreError) -> WatchEvent {
        try files.withSegment(place.segment) { bytes throws(StoreError) in
            guard let change = Change(checkedAt: Int(place.offset), in: bytes) else {
                throw StoreError.damaged(
                    file: files.name(of: place.segment),
                    LogDamage(offset: Int(place.offset), reason: .contents))
            }
            let entry = Self.entry(change, in: bytes)
            let kind: WatchEvent.Kind =
                change.isDelete ? .delete(key: entry.key, at: entry.modRevision) : .put(entry)
            return WatchEvent(kind, previous: previous)
        }
    }

    private func deliver(_ events: [WatchEvent], to place: Int) {
        let call = watches[place].call
        var wanted = events.filter { call.range.contains($0.key) }
        guard !wanted.isEmpty else { return }
        if !call.wantsPrevious { for event in wanted.indices { wanted[event].previous = nil } }
        answer(watches[place].number, .watch(.events(wanted)))
    }

    /// Tells a watch of what it has missed, out of the log. Leaves it behind if it was ended.
    private func catchUp(_ watch: Int) throws(StoreError) {
        let (after, through) = (watches[watch].position, core.published)
        guard after < through else { return }
        guard after.next >= core.compacted else {
            return answer(
                watches[watch].number, .watch(.ended(.compacted(oldest: core.compacted))))
        }
        var places: [Place] = []
        for source in core.historySegments(after: after, through: through) {
            try files.withSegment(source.segment) { bytes throws(StoreError) in
                do throws(LogDamage) {
                    try history(source, after, through, bytes, &places)
                } catch { throw StoreError.damaged(file: files.name(of: source.segment), error) }
            }
        }
        var events: [WatchEvent] = []
        for place in places {
            let event = try event(at: place, previous: nil)
            let before = Revision(event.revision.number - 1)
            guard !watches[watch].call.wantsPrevious || event.isCreation || before >= core.compacted
            else {
                return answer(
                    watches[watch].number, .watch(.ended(.compacted(oldest: core.compacted))))
            }
            let previous = try core.place(of: event.key, at: before).map(entry)
            events.append(WatchEvent(event.kind, previous: previous))
        }
        deliver(events, to: watch)
        watches[watch].position = through
    }

    private func history(
        _ source: StoreState.HistorySource, _ after: Revision, _ through: Revision,
        _ bytes: RawSpan, _ places: inout [Place]
    ) throws(LogDamage) {
        let end = running?.replica.writtenEnd ?? .origin
        let stop = source.segment == end.segment ? end.offset : bytes.byteCount
        let header = try SegmentHeader(in: bytes)
        var offset = source.offset
        while let record = try TransactionRecord.next(
            from: &offset, to: stop, in: bytes, of: header)
        {
            guard !source.voids.contains(record.offset) else { continue }
            guard record.revision <= through else { return }
            guard record.revision > after else { continue }
            record.forEachChange(in: bytes) { change in
                places.append(Place(segment: source.segment, offset: UInt32(change.offset)))
            }
        }
    }

    func tellProgress() {
        for watch in watches where watch.position == told {
            answer(watch.number, .watch(.progress(told)))
        }
    }

    // MARK: Members

    private func take(_ change: MemberChange, _ number: RequestNumber) {
        guard let raft = running?.replica.raft, raft.isLeader else {
            return answer(number, .reply(.refused(.other("no leader here"))))
        }
        if case .transferLeadership(let heir) = change {
            let refusal = running?.replica.transferLeadership(
                to: MemberID(heir.number), &core, &effects)
            return answer(
                number, refusal == nil ? .done : .reply(.refused(.other("\(refusal!)"))))
        }
        if isInEffect(change) { return answer(number, .done) }
        let wanted: [MembershipChange] =
            switch change {
            case .addLearner(let member, _): [.addLearner(MemberID(member.number))]
            case .promote(let member): [.promote(MemberID(member.number))]
            case .remove(let member), .transferLeadership(let member):
                [.remove(MemberID(member.number))]
            }
        var addresses = [self.member: ClusterMembers.Address(place: boot.place)]
        if case .addLearner(let member, let place) = change {
            addresses[MemberID(member.number)] = ClusterMembers.Address(place: place)
        }
        if let refusal = running?.replica.propose(
            wanted, addresses: addresses, &core, &effects)
        {
            return answer(number, .reply(.refused(.other("\(refusal)"))))
        }
        changes.append((number, change))
    }

    /// Whether the newest membership is committed, and has the change.
    private func isInEffect(_ change: MemberChange) -> Bool {
        guard let raft = running?.replica.raft, raft.isLeader, !raft.membership.isJoint,
            raft.log.membershipIndex <= raft.committed
        else { return false }
        return switch change {
        case .addLearner(let member, _): raft.membership.contains(MemberID(member.number))
        case .promote(let member): raft.membership.voters.contains(MemberID(member.number))
        case .remove(let member): !raft.membership.contains(MemberID(member.number))
        case .transferLeadership: true
        }
    }

    func answerChanges() {
        guard !changes.isEmpty else { return }
        let isLeader = running?.replica.raft.isLeader ?? false
        for (number, change) in changes {
            if !isLeader { answer(number, .reply(.unknown)) }
            if isLeader, isInEffect(change) { answer(number, .done) }
        }
        changes.removeAll { !isLeader || isInEffect($0.change) }
    }
}

extension WatchEvent {
    /// Whether there was nothing before.
    fileprivate var isCreation: Bool {
        if case .put(let entry) = kind { entry.version == 1 } else { false }
    }
}

extension RangeQuery {
    /// Puts entries into the order asked for, and cuts what is beyond the limit.
    func sorted(_ entries: [Entry]) -> [Entry] {
        // Of entries alike, the one with the smaller key comes first, whichever way it goes.
        func sorted<Value: Comparable>(by value: (Entry) -> Value) -> [Entry] {
            entries.sorted { descending ? value($0) > value($1) : value($0) < value($1) }
        }
        let sorted =
            switch order {
            case .key: descending ? entries.reversed() : entries
            case .version: sorted { $0.version }
            case .createRevision: sorted { $0.createRevision }
            case .modRevision: sorted { $0.modRevision }
            case .value: sorted { String(decoding: $0.value, as: UTF8.self) }
            }
        guard let limit, sorted.count > limit else { return sorted }
        return Array(sorted.prefix(limit))
    }
}
