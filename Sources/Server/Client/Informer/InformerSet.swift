public import Logging
import Synchronization
public import Wire

/// The informers of a process: one a resource, shared by all who ask.
public final class InformerSet: Sendable {
    private struct State {
        var informers: [MessageType: Informer] = [:]
        var startNew: AsyncStream<Informer>.Continuation?
    }

    private let client: any APIClient
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex(State())

    /// All informers list and watch through `client`, under its identity.
    public init(client: any APIClient, time: any TimeSource, logger: Logger) {
        self.client = client
        self.time = time
        self.logger = logger
    }

    /// The informer of a kind, with `indexes` kept. It runs while ``run()`` does.
    public func informer(_ type: MessageType, _ indexes: ObjectIndex...) -> Informer {
        let informer = state.withLock { state in
            if let informer = state.informers[type] { return informer }
            let informer = Informer(type, client: client, time: time, logger: logger)
            state.informers[type] = informer
            state.startNew?.yield(informer)
            return informer
        }
        for index in indexes { informer.keep(index) }
        return informer
    }

    /// The informer of a kind if somebody asked for it before.
    public func existing(_ type: MessageType) -> Informer? {
        state.withLock { $0.informers[type] }
    }

    /// Keeps all informers up to date, also those that are asked for later, until the task is
    /// cancelled.
    public func run() async {
        let (informers, continuation) = AsyncStream<Informer>.makeStream()
        state.withLock { state in
            for informer in state.informers.values { continuation.yield(informer) }
            state.startNew = continuation
        }
        await withDiscardingTaskGroup { group in
            for await informer in informers {
                group.addTask { await informer.run() }
            }
            group.cancelAll()
        }
        state.withLock { $0.startNew = nil }
    }
}
