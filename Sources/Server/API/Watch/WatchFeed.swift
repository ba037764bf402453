import APIErrors
import Synchronization

/// A watch written down for its client, piece by piece as it is asked for. By one reader.
public final class WatchFeed: Sendable {
    public enum Step: Sendable {
        case bytes([UInt8])
        /// Nothing yet.
        case wait
        case end
        /// Something cannot be written down.
        case broken
    }

    private struct State {
        /// Taken from the session, and not written down yet.
        var items: ArraySlice<WatchSession.Item> = []
        var hasBegun = false
    }

    private let session: WatchSession
    private let writer: AnswerWriter
    private let state = Mutex(State())

    init(_ session: WatchSession, _ writer: AnswerWriter) {
        (self.session, self.writer) = (session, writer)
    }

    /// Also for an answer that nobody came to read.
    deinit { session.end() }

    /// Has `wake` called, from any thread, when there is something after ``next()`` said
    /// ``Step/wait``.
    public func onWake(_ wake: @escaping @Sendable () -> Void) { session.onWake(wake) }

    /// Ends the watch; what waits is still told.
    public func stop() { session.end() }

    /// What is to be sent now: one event, or as many as are worth a packet.
    public func next() -> Step {
        state.withLock { state in
            if state.items.isEmpty {
                guard let items = session.take() else { return .end }
                if items.isEmpty { return .wait }
                state.items = items[...]
            }
            do throws(APIError) { return .bytes(try write(&state)) } catch { return .broken }
        }
    }

    /// An event by itself is shared by all who watch, and handed on as it is.
    private func write(_ state: inout State) throws(APIError) -> [UInt8] {
        var chunk: [UInt8] = []
        while chunk.count < AnswerWriter.chunkBytes, let item = state.items.popFirst() {
            let bytes = try writer.rendered(item, isFirst: !state.hasBegun)
            state.hasBegun = true
            if chunk.isEmpty { chunk = bytes } else { chunk += bytes }
        }
        return chunk
    }
}
