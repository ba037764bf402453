import ReferenceStore
import StoreHistory
import StoreSimulator
import Testing

/// A good history of some thousand operations with crashes and lost answers in it.
private func goodHistory() -> [ClientOperation] {
    var settings = SimulationSettings(members: 3)
    settings.chaosSeconds = 15
    settings.faults = [.loss, .delay, .reordering, .crash]
    for seed in UInt64(21)..<60 {
        let world = World(of: ReferenceMachine.self, seed: seed, settings: settings)
        _ = world.run()
        let operations = world.history.operations
        if operations.count(where: \.isPut) > 100 { return operations }
    }
    return []
}

private func broken(_ operations: [ClientOperation]) -> [Violation.Rule] {
    HistoryCheck.violations(in: History(operations)).map(\.rule)
}

extension ClientOperation {
    fileprivate var isPut: Bool {
        guard case .transacted(let reply) = reply else { return false }
        return reply.outcomes.contains { if case .put = $0 { true } else { false } }
    }
}

@Suite("In the history of a whole world")
struct HistoryOfAWorldTests {
    static let good = goodHistory()
    var good: [ClientOperation] { Self.good }
    /// Writes that put something, which no other call would.
    var changes: [Int] { good.indices.filter { good[$0].isPut } }
    /// The watch of the observer that was told most, and its deliveries of events.
    var observed: (watch: Int, record: WatchRecord, events: [Int]) {
        var best = (watch: 0, record: WatchRecord(), events: [Int]())
        for (number, operation) in good.enumerated() where operation.client == 0 {
            guard case .watched(let record) = operation.reply else { continue }
            let events = record.deliveries.indices.filter {
                if case .events = record.deliveries[$0].content { true } else { false }
            }
            if events.count > best.events.count { best = (number, record, events) }
        }
        return best
    }

    @Test func nothingIsFound() {
        #expect(broken(good) == [])
        #expect(changes.count > 100)
    }

    @Test func itsTextHoldsAllOfIt() throws {
        let history = History(good)
        #expect(try History(text: history.text).text == history.text)
    }

    @Test(arguments: [1, 2, 5])
    func lostAnswersChangeNothing(every: Int) {
        var operations = good
        for number in changes where number % every == 0 {
            (operations[number].reply, operations[number].completed) = (.unknown, nil)
        }
        #expect(broken(operations) == [])
    }

    @Test(arguments: 0..<20)
    func aWriteThatIsSaidNotToHaveHappenedIsFound(sample: Int) {
        var operations = good
        operations[changes[sample * changes.count / 20]].reply = .refused(.future)
        #expect(broken(operations) == [.explained])
    }

    @Test(arguments: 0..<20)
    func twoWritesThatHaveChangedPlacesAreFound(sample: Int) {
        var operations = good
        let place = sample * (changes.count - 1) / 20
        let (first, second) = (changes[place], changes[place + 1])
        guard case .transacted(var one) = good[first].reply,
            case .transacted(var other) = good[second].reply
        else { return }
        swap(&one.revision, &other.revision)
        (operations[first].reply, operations[second].reply) =
            (.transacted(one), .transacted(other))
        #expect(broken(operations) != [])
    }

    @Test(arguments: 0..<20)
    func anotherValueThanWasReadIsFound(sample: Int) throws {
        let reads = good.indices.filter {
            if case .found(let found, _) = good[$0].reply { !found.entries.isEmpty } else { false }
        }
        let number = reads[sample * reads.count / 20]
        guard case .found(var found, let revision) = good[number].reply else { return }
        found.entries[0].value.append(1)
        var operations = good
        operations[number].reply = .found(found, revision: revision)
        #expect(broken(operations).contains(.read))
    }

    @Test(arguments: 0..<20)
    func aDeliveryThatIsMissingIsFound(sample: Int) {
        let (watch, whole, events) = observed
        var record = whole
        record.deliveries.remove(at: events[sample * (events.count - 1) / 20])
        var operations = good
        operations[watch].reply = .watched(record)
        #expect(!Set(broken(operations)).isDisjoint(with: [.watchComplete, .watchProgress]))
    }

    @Test(arguments: 0..<20)
    func aDeliveryThatComesTwiceIsFound(sample: Int) {
        let (watch, record, events) = observed
        let place = events[sample * events.count / 20]
        var twice = record
        twice.deliveries.insert(record.deliveries[place], at: place)
        var operations = good
        operations[watch].reply = .watched(twice)
        #expect(!Set(broken(operations)).isDisjoint(with: [.watchAtomic, .watchOrder]))
    }
}
