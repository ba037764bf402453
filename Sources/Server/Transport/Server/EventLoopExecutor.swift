import DequeModule
import NIOCore
import Synchronization

/// Runs handlers' tasks on an event loop's own thread, inside the turn that made them ready.
///
/// A *turn* is everything that one readiness of a socket, timer or resumed task sets off. Tasks
/// that become ready in a turn run at its end, without a trip through the loop's queue; then
/// connections with something to send are flushed, once each. So a handler that does not suspend
/// is answered in the same turn, and the answers to sixteen requests of one read are one write.
final class EventLoopExecutor: TaskExecutor, @unchecked Sendable {
    /// Rounds of tasks and flushes in a turn before sockets get their chance again.
    private static let roundsMax = 32

    let eventLoop: any EventLoop
    /// Tasks made ready by other threads.
    private let inbox = Mutex(Inbox())
    // What follows belongs to the loop's thread.
    private var ready = Deque<UnownedJob>()
    private var woken: [any Wakeable] = []
    private var dirty: [any Flushable] = []
    private var isInTurn = false
    private var isTurnScheduled = false
    /// Shared by the connections of the loop; whoever takes it puts it back within the turn.
    var buffers = LoopBuffers()

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var woken: [any Wakeable] = []
        var isTurnScheduled = false
    }

    /// Something that waits for what others do, and looks at it on the loop.
    protocol Wakeable: AnyObject, Sendable {
        func wake()
    }

    /// Something that collects output in a turn and sends it at the end.
    protocol Flushable: AnyObject {
        func flush()
    }

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if eventLoop.inEventLoop {
            ready.append(job)
            if !isInTurn { scheduleTurn() }
            return
        }
        send { $0.jobs.append(job) }
    }

    /// Has `sleeper` woken on the loop, in this turn or the next. May be called from any thread.
    func wake(_ sleeper: any Wakeable) {
        if eventLoop.inEventLoop {
            woken.append(sleeper)
            if !isInTurn { scheduleTurn() }
        } else {
            send { $0.woken.append(sleeper) }
        }
    }

    /// Puts something into the inbox, and sees to it that a turn takes it out.
    private func send(_ put: (inout Inbox) -> Void) {
        let mustSchedule = inbox.withLock { inbox in
            put(&inbox)
            defer { inbox.isTurnScheduled = true }
            return !inbox.isTurnScheduled
        }
        if mustSchedule { eventLoop.execute { self.turn {} } }
    }

    /// Does `work` and all that it makes ready, then flushes. Call on the loop; may be nested.
    func turn(_ work: () -> Void) {
        if isInTurn { return work() }
        isInTurn = true
        work()
        settle()
        isInTurn = false
    }

    /// Has `connection` flushed at the end of the turn. Call on the loop, once until it is flushed.
    func flushLater(_ connection: any Flushable) {
        dirty.append(connection)
        if !isInTurn { scheduleTurn() }
    }

    private func settle() {
        for _ in 0..<Self.roundsMax {
            takeInbox()
            runReady()
            wakeSleepers()
            flushDirty()
            if ready.isEmpty && woken.isEmpty && dirty.isEmpty { return }
        }
        scheduleTurn()
    }

    private func takeInbox() {
        var taken = Inbox()
        inbox.withLock { swap(&taken, &$0) }
        ready.append(contentsOf: taken.jobs)
        if woken.isEmpty { woken = taken.woken } else { woken += taken.woken }
    }

    private func wakeSleepers() {
        guard !woken.isEmpty else { return }
        var sleepers: [any Wakeable] = []
        swap(&sleepers, &woken)
        for sleeper in sleepers { sleeper.wake() }
    }

    private func runReady() {
        // Tasks that these make ready wait for the next round, behind a flush.
        for _ in 0..<ready.count {
            guard let job = ready.popFirst() else { return }
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    private func flushDirty() {
        guard !dirty.isEmpty else { return }
        var connections: [any Flushable] = []
        swap(&connections, &dirty)
        for connection in connections { connection.flush() }
        guard dirty.isEmpty else { return }
        connections.removeAll(keepingCapacity: true)
        dirty = connections
    }

    private func scheduleTurn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        eventLoop.execute {
            self.isTurnScheduled = false
            self.turn {}
        }
    }
}

/// Scratch memory of a loop: kept once, not for every connection.
struct LoopBuffers {
    /// One TLS record's plaintext coming in.
    var plaintextIn = [UInt8](repeating: 0, count: 16_384)
    /// Plaintext going out, before it is made into records.
    var plaintextOut: [UInt8] = []
    /// Records going out.
    var ciphertext = ByteBuffer()
}
