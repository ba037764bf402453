internal import StoreCore

/// Something that happens while clients call, in order of time; at the same moment calls come
/// first, as what completes at the very moment is concurrent.
private struct Occurrence {
    enum Kind: Int { case invocation, completion, delivery }
    var at: Moment
    var kind: Kind
    var operation: Int
    /// What a delivery shows.
    var revision: Revision?
}

extension HistoryCheck {
    /// Finds a place in history for calls whose answers do not say where they took effect, the
    /// earliest that real time allows, and checks all others against these.
    mutating func checkUntold() {
        guard history.operations.contains(where: { $0.isUntold }) else { return }
        var gapsOf: [Int: [Revision]] = [:]
        for gap in gaps {
            for number in gap.candidates { gapsOf[number, default: []].append(gap.revision) }
        }
        var floor = Sighting(revision: history.scope.start)
        for occurrence in occurrences() {
            let number = occurrence.operation
            switch occurrence.kind {
            case .invocation:
                if floor.revision > floors[number].revision { floors[number] = floor }
            case .completion:
                guard let shown = revisionShown(by: number, gapsOf) else { return }
                if shown > floor.revision { floor = Sighting(revision: shown, operation: number) }
            case .delivery:
                guard let revision = occurrence.revision, revision > floor.revision else {
                    continue
                }
                floor = Sighting(revision: revision, operation: number)
            }
        }
        checkRealTime()
        if violations.isEmpty { checkGaps() }
    }

    private func occurrences() -> [Occurrence] {
        var list: [Occurrence] = []
        for (number, operation) in history.operations.enumerated() {
            list.append(Occurrence(at: operation.invoked, kind: .invocation, operation: number))
            if let completed = operation.completed {
                list.append(Occurrence(at: completed, kind: .completion, operation: number))
            }
            guard case .watched(let record) = operation.reply else { continue }
            for delivery in record.deliveries {
                list.append(
                    Occurrence(
                        at: delivery.at, kind: .delivery, operation: number,
                        revision: delivery.content.newestRevision))
            }
        }
        list.sort { ($0.at, $0.kind.rawValue) < ($1.at, $1.kind.rawValue) }
        return list
    }

    /// The earliest revision at which a completed call can have taken effect; nil if there is none.
    private mutating func revisionShown(
        by number: Int, _ gapsOf: [Int: [Revision]]
    ) -> Revision? {
        let operation = history.operations[number]
        let floor = floors[number].revision
        switch (operation.call, operation.reply) {
        case (.range(let query, _), .seen(let entry)):
            guard let key = query.range.onlyKey else { return undecided(number) }
            if let found = first(of: key, from: floor, where: { $0 == entry }) { return found }
            report(
                .read, [floors[number].operation, number],
                expected: "a revision from \(floor) on, which was seen before, with this",
                found: HistoryText.text(.seen(entry)))
            return nil
        case (.transact(let transaction), .failed):
            let compares = transaction.compares
            guard let range = compares.first?.range, let key = range.onlyKey,
                compares.allSatisfy({ $0.range == range })
            else { return undecided(number) }
            let failed = first(of: key, from: floor) { entry in
                !compares.allSatisfy { ReplayModel.holds($0, entry) }
            }
            if let failed { return failed }
            let now = first(of: key, from: floor) { _ in true }
            report(
                .failure, [floors[number].operation, number],
                expected: "success from \(now ?? floor) on", found: "failure")
            return nil
        case (.transact, .done):
            let made = gapsOf[number] ?? []
            let place = made.countUpTo(floor)
            if place < made.count { return made[place] }
            report(
                .done, [floors[number].operation, number],
                expected: "a revision above \(floor) that it can have made", found: "none")
            return nil
        default: return operation.revision ?? Revision.none
        }
    }

    private mutating func undecided(_ number: Int) -> Revision? {
        report(
            .decided, [number], expected: "one key, as the answer has no revision",
            found: HistoryText.text(history.operations[number].call))
        return nil
    }

    /// The first revision from `floor` on at which `key` is as `matches` wants it.
    private func first(
        of key: [UInt8], from floor: Revision, where matches: (Entry?) -> Bool
    ) -> Revision? {
        let changes = revisionsOfKey[key] ?? []
        var next = changes.countUpTo(floor)
        if matches(next == 0 ? nil : entry(of: key, at: changes[next - 1])) { return floor }
        while next < changes.count {
            if matches(entry(of: key, at: changes[next])) { return changes[next] }
            next += 1
        }
        return nil
    }

    /// What a revision that changed `key` made of it.
    private func entry(of key: [UInt8], at revision: Revision) -> Entry? {
        for event in events(at: revision) where event.key == key {
            if case .put(let entry) = event.kind { return entry }
        }
        return nil
    }

    /// Whether each revision still has a call, and each call that was done has a revision. If both
    /// can be had, then both at once (Mendelsohn and Dulmage, 1958).
    private mutating func checkGaps() {
        var (calls, revisions) = (Matching(), Matching())
        var gapsOf: [Int: [Int]] = [:]
        for (place, gap) in gaps.enumerated() {
            let candidates = gap.candidates.filter { mayBe(gap.revision, of: $0) }
            for number in candidates where history.operations[number].reply == .done {
                gapsOf[number, default: []].append(place)
            }
            guard calls.add(Gap(revision: gap.revision, candidates: candidates)) else {
                report(
                    .explained, candidates,
                    expected: "a call, answered or not, that made revision \(gap.revision)",
                    found: "none that has not made another one")
                return
            }
        }
        for (number, operation) in history.operations.enumerated() where operation.reply == .done {
            let places = gapsOf[number] ?? []
            guard revisions.add(Gap(revision: .none, candidates: places)) else {
                report(
                    .done, [number], expected: "a revision that it made and no other call",
                    found: "none")
                return
            }
        }
    }
}

extension ClientOperation {
    /// Whether the answer leaves out where it took effect.
    fileprivate var isUntold: Bool {
        switch reply {
        case .done, .failed, .seen: true
        default: false
        }
    }
}
