import LogTape
import StoreCore
import Testing

/// The simplest store: all states there ever were.
private struct Model {
    var states: [[String: String]] = [[:], [:]]
    var revision: Int { states.count - 1 }

    func text(at revision: Int) -> String {
        states[revision].sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value) " }.joined()
    }
}

@Suite("History")
struct HistoryModelTests {
    @Test(arguments: 1...6)
    func isThatOfTheSimplestStore(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var tape = LogTape()
        var model = Model()
        for step in 0..<1000 {
            let key = "k\(Int.random(in: 0..<300, using: &generator))"
            var state = model.states[model.revision]
            if Int.random(in: 0..<4, using: &generator) == 0 {
                try tape.delete(key)
                if state.removeValue(forKey: key) != nil { model.states.append(state) }
            } else {
                try tape.put(key, "\(step)")
                state[key] = "\(step)@\(model.revision + 1)"
                model.states.append(state)
            }
            if step % 100 == 99 { try compact(&tape, model, using: &generator) }
        }
        tape.sync()
        #expect(tape.core.revision.number == Int64(model.revision))
        for _ in 0..<30 {
            let oldest = Int(max(1, tape.core.compacted.number))
            let asked = Int.random(in: oldest...model.revision, using: &generator)
            let found = contents(of: tape.core, in: tape.bytes, at: Revision(Int64(asked)))
            #expect(found == model.text(at: asked), "at \(asked)")
        }
        #expect(try recover(tape.bytes).contents == model.text(at: model.revision))
    }

    /// Compacts somewhere, and prunes as much of it as chance will have.
    private func compact(
        _ tape: inout LogTape, _ model: Model, using generator: inout SeededGenerator
    ) throws {
        let oldest = tape.core.compacted.number + 1
        let revision = Revision(Int64.random(in: oldest...Int64(model.revision), using: &generator))
        try tape.compact(revision)
        var next: [UInt8]? = []
        while let start = next, Int.random(in: 0..<10, using: &generator) > 0 {
            next = tape.core.prune(from: start)
        }
    }

    @Test func isForgottenWithTheKeysThatAreGone() throws {
        var tape = LogTape()
        for number in 0..<400 { try tape.put("k\(number)", "1") }
        for number in 0..<400 { try tape.delete("k\(number)") }
        try tape.put("left", "1")
        try tape.compact(tape.core.revision)
        var next: [UInt8]? = []
        while let start = next { next = tape.core.prune(from: start) }
        #expect(tape.core.keyCount == 1)
        #expect(tape.core.segmentUses[1]?.liveBytes == 48 + 8)
    }
}
