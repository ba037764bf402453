import Glibc
import NIOCore
import Synchronization

/// What the connections of one event loop share.
final class ServerLoop: @unchecked Sendable {
    /// How late a deadline may be noticed. One timer serves all connections of a loop.
    private static let sweepIntervalMax = TimeAmount.seconds(5)

    let executor: EventLoopExecutor
    let receiveMemory = ReceiveMemory()
    let tlsContext: TLSContext?
    let limits: ServerLimits
    let handler: any RequestHandler
    private let total: ConnectionCount
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var isSweepScheduled = false
    private var isShuttingDown = false
    private var whenEmpty: EventLoopPromise<Void>?
    private var dateSeconds = 0
    private var dateText: [UInt8] = []

    init(eventLoop: any EventLoop, tlsContext: TLSContext?, limits: ServerLimits,
         handler: any RequestHandler, total: ConnectionCount) {
        executor = EventLoopExecutor(eventLoop: eventLoop)
        self.tlsContext = tlsContext
        self.limits = limits
        self.handler = handler
        self.total = total
    }

    /// False if there are as many connections as there may be.
    func admit(_ connection: Connection) -> Bool {
        guard !isShuttingDown, total.take(max: limits.connectionsMax) else { return false }
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func dismiss(_ connection: Connection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        total.giveBack()
        if connections.isEmpty { whenEmpty?.succeed() }
    }

    // MARK: Deadlines

    /// The event loop's own clock, which a test can set.
    var now: NIODeadline { executor.eventLoop.now }

    func watchDeadlines() {
        guard !isSweepScheduled else { return }
        isSweepScheduled = true
        let shortest = [limits.handshakeTimeout, limits.readHeaderTimeout, limits.idleTimeout]
            .map { TimeAmount($0) }.min() ?? Self.sweepIntervalMax
        executor.eventLoop.scheduleTask(in: min(shortest, Self.sweepIntervalMax)) { self.sweep() }
    }

    private func sweep() {
        isSweepScheduled = false
        let now = self.now
        var isAnyLeft = false
        executor.turn {
            for connection in Array(connections.values) {
                guard let deadline = connection.deadline else { continue }
                if deadline <= now { connection.deadlineHasPassed() }
                isAnyLeft = isAnyLeft || connection.deadline != nil
            }
        }
        if isAnyLeft { watchDeadlines() }
    }

    // MARK: Shutdown

    /// Has every connection finish what it does; the future is there when all are gone.
    func shutDown() -> EventLoopFuture<Void> {
        isShuttingDown = true
        let promise = executor.eventLoop.makePromise(of: Void.self)
        whenEmpty = promise
        if connections.isEmpty { promise.succeed() }
        executor.turn {
            for connection in Array(connections.values) { connection.shutDown() }
        }
        return promise.futureResult
    }

    func closeAll() {
        executor.turn {
            for connection in Array(connections.values) { connection.close() }
        }
    }

    // MARK: The date

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, made once a second.
    var date: [UInt8] {
        let now = time(nil)
        if now != dateSeconds || dateText.isEmpty {
            dateSeconds = now
            dateText = Array(httpDate(secondsSince1970: now).utf8)
        }
        return dateText
    }
}

/// Connections of all loops together.
final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    func take(max: Int) -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= max else {
            giveBack()
            return false
        }
        return true
    }

    func giveBack() { count.subtract(1, ordering: .relaxed) }
}
