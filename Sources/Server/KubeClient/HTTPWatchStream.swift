import APIClient
import APIErrors
import Kubernetes
import Synchronization
import Transport
import Wire

/// A watch whose events come in frames of protobuf: four bytes of length, the highest first, and
/// a WatchEvent.
final class HTTPWatchStream: WatchStream {
    private struct State {
        var body: HTTPClientBody?
        var frames = WatchFrameReader()
    }

    private let state: Mutex<State>
    private let type: MessageType

    init(_ body: HTTPClientBody, _ type: MessageType) {
        self.type = type
        state = Mutex(State(body: body))
    }

    func next() async -> WatchEvent? {
        while !Task.isCancelled {
            do throws(APIError) {
                let frame = try state.withLock { state throws(APIError) in try state.frames.next() }
                if let frame { return try WatchEvent(frame, type) }
            } catch {
                cancel()
                return .error(error)
            }
            guard await receive() else { return nil }
        }
        return nil
    }

    /// Takes in what has come. False at the end.
    private func receive() async -> Bool {
        guard let body = state.withLock({ $0.body }) else { return false }
        do throws(RequestBodyError) {
            guard let bytes = try await body.next() else { return false }
            state.withLock { $0.frames.append(bytes) }
            return true
        } catch {
            return false
        }
    }

    /// Letting go of the body closes its connection.
    func cancel() { state.withLock { $0.body = nil } }
}

/// Cuts a stream of bytes into frames.
struct WatchFrameReader: Sendable {
    /// An object's bytes and what is around them.
    static let frameBytesMax = 16 << 20

    private var bytes: [UInt8] = []
    private var start = 0

    mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// The next whole frame, without its length.
    mutating func next() throws(APIError) -> ArraySlice<UInt8>? {
        guard bytes.count - start >= 4 else { return nil }
        let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.frameBytesMax else {
            throw APIError.noAnswer("a frame of \(length) bytes")
        }
        guard bytes.count - start - 4 >= length else { return nil }
        defer { start += 4 + length }
        return bytes[(start + 4)..<(start + 4 + length)]
    }
}

extension WatchEvent {
    /// - Parameter type: Of the objects that are watched.
    init(_ frame: ArraySlice<UInt8>, _ type: MessageType) throws(APIError) {
        let event: MetaV1.WatchEvent
        let object: Message
        do {
            let tree = try ObjectCodec.message(Array(frame), as: MetaV1.WatchEvent.messageType)
            event = MetaV1.WatchEvent(unchecked: tree)
            object = try ObjectCodec.decode(event.object?.bytes ?? [], .protobuf).object
        } catch {
            throw APIError.noAnswer("a watch event that can't be read: \(error)")
        }
        switch event.type {
        case "ADDED": self = .added(StoredObject(object))
        case "MODIFIED": self = .modified(StoredObject(object))
        case "DELETED": self = .deleted(StoredObject(object))
        case "BOOKMARK":
            let isEnd = object.objectMeta.annotations["k8s.io/initial-events-end"] == "true"
            self = .bookmark(StoredObject(object).resourceVersion, endsInitialEvents: isEnd)
        case "ERROR":
            guard let status = MetaV1.Status(object) else {
                throw APIError.noAnswer("an error of type \(object.type.kind)")
            }
            self = .error(APIError(status))
        default: throw APIError.noAnswer("a watch event of type \(event.type)")
        }
    }
}
