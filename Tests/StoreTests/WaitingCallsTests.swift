import Replica
import StoreCore
import Synchronization
import Testing

@testable import Store

@Suite("Who waits for the replica")
struct WaitingCallsTests {
    private let start = ContinuousClock.now

    /// Counts its calls.
    private final class Told: Sendable {
        let count = Atomic<Int>(0)
        var completion: Completion { { _ in self.count.add(1, ordering: .relaxed) } }
        var times: Int { count.load(ordering: .relaxed) }
    }

    private func tell(_ completions: [Completion]) {
        for completion in completions { completion(.failure(.noLeader)) }
    }

    @Test func isFoundByItsTicketOnce() {
        var calls = WaitingCalls()
        let told = [Told(), Told()]
        let tickets = told.map { calls.add($0.completion) }
        tell([calls.take(tickets[1])].compactMap { $0 })
        #expect(told.map(\.times) == [0, 1])
        #expect(calls.add(told[0].completion) == tickets[1])
        #expect(calls.takeAll().count == 2)
    }

    @Test func isToldWhenItTookTooLongAndNotAgainByTheAnswer() {
        var calls = WaitingCalls()
        let told = Told()
        let ticket = calls.add(told.completion, until: start + .seconds(5))
        #expect(calls.takeExpired(now: start + .seconds(4)).isEmpty)
        tell(calls.takeExpired(now: start + .seconds(5)))
        #expect(told.times == 1)
        #expect(calls.take(ticket) == nil)
        #expect(calls.takeAll().isEmpty)
    }

    @Test func leavesWhoeverCameToThePlaceOfOneThatWasAnswered() {
        var calls = WaitingCalls()
        let (early, late) = (Told(), Told())
        let ticket = calls.add(early.completion, until: start + .seconds(1))
        tell([calls.take(ticket)].compactMap { $0 })
        #expect(calls.add(late.completion, until: start + .seconds(9)) == ticket)
        tell(calls.takeExpired(now: start + .seconds(8)))
        #expect([early.times, late.times] == [1, 0])
        tell(calls.takeExpired(now: start + .seconds(9)))
        #expect([early.times, late.times] == [1, 1])
    }
}
