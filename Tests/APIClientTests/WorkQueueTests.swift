import APIClient
import FakeAPI
import Synchronization
import Testing

@Suite("A work queue")
struct WorkQueueTests {
    var queue = WorkQueue<String>()

    @Test("gives out keys in order of arrival, each once")
    mutating func order() {
        for key in ["a", "b", "a"] { queue.add(key) }
        #expect(queue.next(now: .zero) == "a")
        #expect(queue.next(now: .zero) == "b")
        #expect(queue.next(now: .zero) == nil)
    }

    @Test("gives out a key again only after the work on it has ended")
    mutating func atWork() {
        queue.add("a")
        _ = queue.next(now: .zero)
        queue.add("a")
        #expect(queue.next(now: .zero) == nil)
        queue.finish("a")
        #expect(queue.next(now: .zero) == "a")
    }

    @Test("doubles the pause after each failure, from 5 ms to 1000 s")
    mutating func backoff() {
        var now = Duration.zero
        var pauses: [Duration] = []
        for _ in 0..<20 {
            queue.retry("a", now: now)
            let due = queue.nextDue ?? now
            pauses.append(due - now)
            now = due
            #expect(queue.next(now: now - .nanoseconds(1)) == nil)
            #expect(queue.next(now: now) == "a")
            queue.finish("a")
        }
        #expect(pauses[..<3] == [.milliseconds(5), .milliseconds(10), .milliseconds(20)])
        #expect(pauses.last == .seconds(1000))
        queue.forget("a")
        queue.retry("a", now: now)
        #expect(queue.nextDue == now + .milliseconds(5))
    }

    @Test("looks at a delayed key at the earliest of the times asked for")
    mutating func delays() {
        queue.add("a", due: .seconds(9), now: .zero)
        queue.add("a", due: .seconds(3), now: .zero)
        queue.add("a", due: .seconds(5), now: .zero)
        #expect(queue.next(now: .seconds(3)) == "a")
        queue.finish("a")
        #expect(queue.next(now: .seconds(99)) == nil)
    }

    @Test("drops keys over its limit, and says so")
    mutating func limit() {
        queue = WorkQueue(.init(keysMax: 1))
        queue.add("a")
        #expect(!queue.hasDropped)
        queue.add("b")
        #expect(queue.hasDropped)
    }
}

@Suite("Workers")
struct WorkersTests {
    @Test("try a failed key again when its pause is over")
    func retries() async {
        let time = ManualTime()
        let workers = Workers<String>(time: time)
        let tries = Mutex(0)
        let running = Task {
            await workers.run(count: 2) { _ in
                tries.withLock { count in
                    count += 1
                    return count < 3 ? .failed : .done
                }
            }
        }
        workers.add("a")
        #expect(await eventually { tries.withLock { $0 } == 1 && time.sleeperCount == 1 })
        time.advance(by: .milliseconds(5))
        #expect(await eventually { tries.withLock { $0 } == 2 && time.sleeperCount == 1 })
        time.advance(by: .milliseconds(10))
        #expect(await eventually { tries.withLock { $0 } == 3 && workers.isIdle })
        running.cancel()
        await running.value
    }
}
