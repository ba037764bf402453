import NIOCore

/// A body on its way in. Filled by the connection, emptied by the handler, both on its event loop;
/// a handler's task that runs elsewhere hops there.
final class IncomingBody: @unchecked Sendable {
    /// What the body asks of its connection.
    protocol Supply: AnyObject {
        /// The handler waits for bytes: answer `Expect: 100-continue`, go on reading.
        func bodyIsWanted()
        /// The handler took `count` bytes: the client may send as many again.
        func bodyWasTaken(count: Int)
    }

    private enum End: Equatable { case open, complete, failed(RequestBodyError) }

    let executor: EventLoopExecutor
    /// Content-Length, if it was given.
    private let bytesAnnounced: Int?
    private let supply: any Supply
    private var received: [UInt8] = []
    private var end = End.open
    private var isDiscarding = false
    /// Set while `collect` runs: bytes count as taken as they come in, up to here.
    private var collectBytesMax: Int?
    private var waiter: CheckedContinuation<Void, Never>?

    init(executor: EventLoopExecutor, bytesAnnounced: Int?, supply: any Supply) {
        self.executor = executor
        self.bytesAnnounced = bytesAnnounced
        self.supply = supply
    }

    // MARK: The connection's side

    /// Bytes that wait to be taken.
    var bytesWaiting: Int { collectBytesMax == nil ? received.count : 0 }

    var isComplete: Bool { end == .complete }

    func append(_ bytes: Span<UInt8>) {
        guard end == .open else { return }
        if isDiscarding {
            supply.bodyWasTaken(count: bytes.count)
            return
        }
        unsafe bytes.withUnsafeBufferPointer { unsafe received.append(contentsOf: $0) }
        guard let bytesMax = collectBytesMax else { return wake() }
        supply.bodyWasTaken(count: bytes.count)
        if received.count > bytesMax { wake() }
    }

    func finish() {
        if end == .open { end = .complete }
        wake()
    }

    /// The rest will not come.
    func fail(_ error: RequestBodyError) {
        if end == .open { end = .failed(error) }
        wake()
    }

    /// The answer is out and nobody will read the rest: let it come and go.
    func discard() {
        isDiscarding = true
        let count = bytesWaiting
        received = []
        if count > 0 { supply.bodyWasTaken(count: count) }
    }

    private func wake() {
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume()
    }

    // MARK: The handler's side

    func collect(upTo bytesMax: Int) async throws(RequestBodyError) -> [UInt8] {
        guard executor.eventLoop.inEventLoop else {
            return try await hop { await self.outcome { () throws(RequestBodyError) in
                try await self.collect(upTo: bytesMax)
            } }.get()
        }
        if let bytesAnnounced, bytesAnnounced > bytesMax { throw .tooLarge(bytesMax: bytesMax) }
        let waiting = bytesWaiting
        collectBytesMax = bytesMax
        defer { collectBytesMax = nil }
        if waiting > 0 { supply.bodyWasTaken(count: waiting) }
        if let bytesAnnounced, end == .open { received.reserveCapacity(bytesAnnounced) }
        while end == .open && received.count <= bytesMax { await more() }
        guard received.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
        if case .failed(let error) = end { throw error }
        return takeReceived()
    }

    func next() async throws(RequestBodyError) -> [UInt8]? {
        guard executor.eventLoop.inEventLoop else {
            return try await hop { await self.outcome { () throws(RequestBodyError) in
                try await self.next()
            } }.get()
        }
        while received.isEmpty && end == .open { await more() }
        if received.isEmpty {
            if case .failed(let error) = end { throw error }
            return nil
        }
        let bytes = takeReceived()
        supply.bodyWasTaken(count: bytes.count)
        return bytes
    }

    private func takeReceived() -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &received)
        return bytes
    }

    private func more() async {
        await withCheckedContinuation { continuation in
            precondition(waiter == nil, "two readers of one body")
            waiter = continuation
            supply.bodyIsWanted()
        }
    }

    private func hop<Value: Sendable>(_ work: @Sendable () async -> Value) async -> Value {
        await withTaskExecutorPreference(executor) { await work() }
    }

    private func outcome<Value: Sendable>(
        _ work: () async throws(RequestBodyError) -> Value
    ) async -> Result<Value, RequestBodyError> {
        do { return .success(try await work()) } catch { return .failure(error) }
    }
}
