internal import StoreCore
internal import StoreHistory
internal import StoreSimulator

/// What has been applied: the contents at each revision, what each changed, and who watches.
struct ReferenceStore {
    struct Watch {
        var number: RequestNumber
        var call: WatchCall
        var told: Revision
    }

    var defect: ReferenceMachine.Defect?
    private(set) var applied = 0
    private(set) var hash: UInt64 = 0
    private var compacted = Revision.none
    /// By revision, from 1 on.
    private var models = [ReplayModel()]
    private var events: [[WatchEvent]] = [[]]
    var watches: [Watch] = []

    var revision: Revision { Revision(Int64(models.count)) }

    /// Passes by an entry that is none of its business.
    mutating func skip() { applied += 1 }

    mutating func apply(_ payload: [UInt8], _ effects: inout Effects) -> Reply {
        applied += 1
        for byte in payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        guard !payload.isEmpty else { return .unknown }
        do {
            switch try Call(text: String(decoding: payload, as: UTF8.self)) {
            case .transact(let transaction):
                let (reply, isChange) = transact(transaction)
                if isChange { tell(&effects) }
                return reply
            case .range(let query, _): return read(query)
            case .compact(let revision): return compact(revision)
            case .watch: return .unknown
            }
        } catch {
            effects.halt = .broken("\(error)")
            return .unknown
        }
    }

    mutating func transact(_ transaction: Transaction) -> (reply: Reply, isChange: Bool) {
        var model = models[models.count - 1]
        var (reply, changes) = model.carryOut(transaction, at: revision.next)
        if changes.isEmpty { return (.transacted(reply), false) }
        models.append(model)
        events.append(changes)
        if defect == .appliesOutcomeTwice, changes.count == 1, applied % 50 == 0 {
            models.append(model)
            events.append([])
        }
        if defect == .versionIsNotCounted { models[models.count - 1] = model.withoutVersions }
        reply.revision = revision
        return (.transacted(reply), true)
    }

    private mutating func compact(_ asked: Revision) -> Reply {
        guard asked <= revision else { return .refused(.future) }
        guard asked > compacted else { return .refused(.compacted(oldest: compacted)) }
        compacted = defect == .compactsTooMuch ? min(asked.next, revision) : asked
        return .compacted
    }

    func read(_ query: RangeQuery) -> Reply {
        let asked = query.revision ?? revision
        guard asked <= revision else { return .refused(.future) }
        guard asked >= compacted || defect == .ignoresCompaction else {
            return .refused(.compacted(oldest: compacted))
        }
        return .found(models[Int(asked.number) - 1].found(query), revision: revision)
    }

    // MARK: Watches

    mutating func open(_ call: WatchCall, _ number: RequestNumber, _ effects: inout Effects) {
        let from = call.from ?? revision.next
        if from < compacted {
            let end = WatchRecord.Content.ended(.compacted(oldest: compacted))
            return effects.answers.append((number, .watch(end)))
        }
        effects.answers.append((number, .watch(.created(revision))))
        var watch = Watch(number: number, call: call, told: Revision(from.number - 1))
        if defect == .watchLosesWhatItMissed { watch.told = max(watch.told, revision) }
        tell(&watch, &effects)
        watches.append(watch)
    }

    private mutating func tell(_ effects: inout Effects) {
        for place in watches.indices { tell(&watches[place], &effects) }
    }

    private func tell(_ watch: inout Watch, _ effects: inout Effects) {
        while watch.told < revision {
            watch.told = watch.told.next
            var found = events[Int(watch.told.number) - 1].filter {
                watch.call.range.contains($0.key)
            }
            guard !found.isEmpty else { continue }
            if !watch.call.wantsPrevious {
                for place in found.indices { found[place].previous = nil }
            }
            if defect == .watchSplitsRevisions {
                for event in found {
                    effects.answers.append((watch.number, .watch(.events([event]))))
                }
            } else {
                effects.answers.append((watch.number, .watch(.events(found))))
            }
        }
    }

    mutating func tellProgress(_ effects: inout Effects) {
        for place in watches.indices where watches[place].told == revision {
            let reached = defect == .progressRunsAhead ? revision.next : revision
            effects.answers.append((watches[place].number, .watch(.progress(reached))))
            if defect == .watchRepeats { watches[place].told = Revision(revision.number - 1) }
        }
    }
}

extension ReplayModel {
    /// The same keys and values, each as if it had been put once.
    fileprivate var withoutVersions: ReplayModel {
        var model = ReplayModel()
        for entry in entries {
            let put = Operation.put(key: entry.key, value: entry.value)
            _ = model.carryOut(Transaction(then: [put]), at: entry.modRevision)
        }
        return model
    }
}
