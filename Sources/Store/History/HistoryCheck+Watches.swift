internal import StoreCore

/// One watch's way through history.
private struct WatchPosition {
    var number: Int
    var range: KeyRange
    var wantsPrevious: Bool
    /// Everything up to here has been told; nil as long as it is not known where it begins.
    var told: Revision?
    /// The newest revision of which there was an event.
    var lastEvent = Revision.none
}

extension HistoryCheck {
    mutating func checkWatches() {
        for (number, operation) in history.operations.enumerated() {
            guard case .watch(let call) = operation.call,
                case .watched(let record) = operation.reply
            else { continue }
            var position = WatchPosition(
                number: number, range: call.range, wantsPrevious: call.wantsPrevious,
                told: call.from.map { Revision($0.number - 1) })
            for delivery in record.deliveries {
                guard check(delivery, &position) else { break }
            }
        }
    }

    private mutating func check(
        _ delivery: WatchRecord.Delivery, _ position: inout WatchPosition
    ) -> Bool {
        switch delivery.content {
        case .created(let revision):
            position.told = position.told ?? revision
            return true
        case .events(let events): return check(events, &position)
        case .progress(let revision): return check(progress: revision, &position)
        case .ended(.compacted(let oldest)):
            let begun = newestCompaction(begunBy: delivery.at)
            guard oldest > begun || oldest < position.told ?? .none else { return true }
            report(
                .compaction, [position.number], expected: "history from \(begun) on to be there",
                found: "an end, as history before \(oldest) is gone")
            return false
        case .ended: return true
        }
    }

    private mutating func check(_ events: [WatchEvent], _ position: inout WatchPosition) -> Bool {
        var rest = events[...]
        while let first = rest.first {
            let revision = first.revision
            let group = rest.prefix { $0.revision == revision }
            rest = rest[group.endIndex...]
            guard let told = position.told, revision > told else {
                let isSplit =
                    revision == position.lastEvent && group.startIndex == events.startIndex
                report(
                    isSplit ? .watchAtomic : .watchOrder, [position.number],
                    expected: "a revision above \(position.told ?? .none)", found: "\(revision)")
                return false
            }
            if let missed = change(after: told, in: position.range), missed < revision {
                report(
                    .watchComplete, [position.number],
                    expected: "the change of revision \(missed)", found: "that of \(revision)")
                return false
            }
            guard check(Array(group), of: revision, position) else { return false }
            (position.told, position.lastEvent) = (revision, revision)
        }
        return true
    }

    /// Compares what was told of one revision with what happened, in any order of keys.
    private mutating func check(
        _ found: [WatchEvent], of revision: Revision, _ position: WatchPosition
    ) -> Bool {
        var expected = events(at: revision).filter { position.range.contains($0.key) }
        if !position.wantsPrevious {
            for place in expected.indices { expected[place].previous = nil }
        }
        var sorted = found
        if found.count > 1 {
            expected.sort { $0.key.lexicographicallyPrecedes($1.key) }
            sorted.sort { $0.key.lexicographicallyPrecedes($1.key) }
        }
        guard sorted != expected else { return true }
        let isPart = found.count < expected.count && found.allSatisfy { expected.contains($0) }
        report(
            isPart ? .watchAtomic : .watchContent, [position.number],
            expected: HistoryText.text(expected), found: HistoryText.text(found))
        return false
    }

    private mutating func check(
        progress revision: Revision, _ position: inout WatchPosition
    ) -> Bool {
        guard let told = position.told else { return true }
        if revision < told, position.lastEvent == told {
            report(
                .watchOrder, [position.number], expected: "progress to \(told) at least",
                found: "\(revision)")
            return false
        }
        if let missed = change(after: told, in: position.range), missed <= revision {
            report(
                .watchProgress, [position.number],
                expected: "the change of revision \(missed) before progress past it",
                found: "progress to \(revision)")
            return false
        }
        position.told = max(told, revision)
        return true
    }

    /// The first revision after `revision` that changed a key in `range`.
    private func change(after revision: Revision, in range: KeyRange) -> Revision? {
        if let key = range.onlyKey {
            let list = revisionsOfKey[key] ?? []
            let place = list.countUpTo(revision)
            return place < list.count ? list[place] : nil
        }
        var candidate = max(revision, history.scope.start).next
        while candidate <= newest {
            if events(at: candidate).contains(where: { range.contains($0.key) }) {
                return candidate
            }
            candidate = candidate.next
        }
        return nil
    }
}
