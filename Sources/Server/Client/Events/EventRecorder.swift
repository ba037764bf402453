import APIErrors
public import Kubernetes
public import Logging
import Synchronization
public import Wire

/// What is to be told about an object, for people to read with `kubectl describe`.
public struct EventNote: Hashable, Sendable {
    public enum Severity: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    public var regarding: CoreV1.ObjectReference
    public var severity: Severity
    /// `ScalingReplicaSet`
    public var reason: String
    public var message: String
    /// The node that it happened on, if a node tells it.
    public var host = ""

    public init(
        _ severity: Severity, about regarding: CoreV1.ObjectReference, _ reason: String,
        _ message: String
    ) {
        self.regarding = regarding
        self.severity = severity
        self.reason = reason
        self.message = message
    }
}

extension CoreV1.ObjectReference {
    /// A reference to `object` as events make it, with uid and resourceVersion.
    public init(to object: Message) {
        let metadata = object.objectMeta
        self.init {
            $0.kind = object.type.kind
            $0.apiVersion = object.type.apiVersion
            $0.namespace = metadata.namespace
            $0.name = metadata.name
            $0.uid = metadata.uid
            $0.resourceVersion = metadata.resourceVersion
        }
    }
}

/// Writes events, in the background and one after the other, and counts those that repeat.
///
/// Events are a courtesy: when more come than can be written, the newest are dropped.
public final class EventRecorder: Sendable {
    /// Notes that wait to be written.
    public static let pendingMax = 1024

    private let client: any APIClient
    private let component: String
    private let time: any TimeSource
    private let logger: Logger
    private let notes: AsyncStream<EventNote>
    private let feed: AsyncStream<EventNote>.Continuation
    private let log: Mutex<EventLog>

    /// - Parameter component: Who says it: `deployment-controller`.
    public init(
        client: any APIClient, component: String, time: any TimeSource, logger: Logger
    ) {
        self.client = client
        self.component = component
        self.time = time
        self.logger = logger
        (notes, feed) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(EventRecorder.pendingMax))
        log = Mutex(EventLog())
    }

    /// Has `note` written soon. Never waits.
    public func record(_ note: EventNote) { feed.yield(note) }

    /// Writes what is recorded until the task is cancelled.
    public func run() async {
        for await note in notes { await write(note) }
    }

    private func write(_ note: EventNote) async {
        let event = log.withLock { log in
            log.event(for: note, component: component, now: time.now)
        }
        do throws(APIError) {
            let written: CoreV1.Event
            if event.metadata.resourceVersion.isEmpty {
                written = try await client.create(event)
            } else {
                written = try await client.update(event)
            }
            log.withLock { $0.remember(written, for: note) }
        } catch {
            log.withLock { $0.forget(note) }
            if error.reason == .forbidden || error.isNotFound { return }
            logger.warning("event \(note.reason) not written: \(error.message)")
        }
    }
}

/// Which events were written lately, so that a repeated one is counted and not written anew.
struct EventLog: Sendable {
    /// Events that are remembered.
    static let entriesMax = 1024
    /// An event that was quiet for so long is written anew.
    static let memory = Duration.seconds(600)

    private var written: [EventNote: CoreV1.Event] = [:]

    /// The event to write for `note`: the one that stands, counted up, or a new one.
    func event(for note: EventNote, component: String, now: Timestamp) -> CoreV1.Event {
        if var event = written[key(note)], let last = event.lastTimestamp,
            now - last < EventLog.memory
        {
            event.count += 1
            event.lastTimestamp = now.wholeSeconds
            return event
        }
        return CoreV1.Event {
            let namespace = note.regarding.namespace
            let moment = UInt64(now.seconds) * 1_000_000_000 + UInt64(now.nanoseconds)
            $0.metadata.namespace = namespace.isEmpty ? "default" : namespace
            $0.metadata.name = note.regarding.name + "." + String(moment, radix: 16)
            $0.involvedObject = note.regarding
            $0.reason = note.reason
            $0.message = note.message
            $0.source.component = component
            $0.source.host = note.host
            $0.firstTimestamp = now.wholeSeconds
            $0.lastTimestamp = now.wholeSeconds
            $0.count = 1
            $0.type = note.severity.rawValue
            $0.reportingComponent = component
            $0.reportingInstance = note.host
        }
    }

    mutating func remember(_ event: CoreV1.Event, for note: EventNote) {
        if written.count >= EventLog.entriesMax { written.removeAll(keepingCapacity: true) }
        written[key(note)] = event
    }

    mutating func forget(_ note: EventNote) { written[key(note)] = nil }

    /// The object's resourceVersion makes no other event.
    private func key(_ note: EventNote) -> EventNote {
        var key = note
        key.regarding.resourceVersion = ""
        return key
    }
}
