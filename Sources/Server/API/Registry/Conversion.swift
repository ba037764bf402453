import APIErrors
import Kubernetes
import StoreCore
import Wire

/// Kinds that are another kind's objects in other words: one object is stored, and seen as both.
///
/// - Source: Kubernetes stores events of the group events.k8s.io as those of the core group.
enum Conversion: Sendable {
    case events

    /// Nil for a type that is stored as it is served.
    init?(of served: MessageType) {
        guard served === EventsV1.Event.messageType else { return nil }
        self = .events
    }

    /// What clients see.
    var served: MessageType { EventsV1.Event.messageType }
    /// What the store holds.
    var stored: MessageType { CoreV1.Event.messageType }

    /// An operation on what clients see, as one on what is stored.
    func stored(_ operation: Operation) -> Operation {
        guard let resource = stored.resource else {
            preconditionFailure("proto/ serves no \(stored.name)")
        }
        var inner = operation
        inner.type = stored
        inner.resource = resource
        inner.conversion = self
        return inner
    }

    /// A tree as it is stored; one that is so already stays.
    func stored(_ tree: Message) -> Message {
        EventsV1.Event(tree).map { CoreV1.Event($0).tree } ?? tree
    }

    /// A stored tree as clients see it.
    func served(_ tree: Message) -> Message {
        CoreV1.Event(tree).map { EventsV1.Event($0).tree } ?? tree
    }

    /// A stored object as clients see it.
    func served(_ object: EncodedObject) throws(APIError) -> EncodedObject {
        EncodedObject(served(try object.tree()), revision: object.revision)
    }

    /// A change of a stored object as clients see it.
    func served(_ event: ObjectEvent) throws(APIError) -> ObjectEvent {
        ObjectEvent(
            type: served, revision: event.revision, namespace: event.namespace,
            object: try served(event.object), previous: try served(event.previous))
    }

    private func served(_ bytes: [UInt8]?) throws(APIError) -> [UInt8]? {
        guard let bytes else { return nil }
        return try served(EncodedObject(type: stored, bytes: bytes, revision: .none)).bytes
    }
}

extension CoreV1.Event {
    fileprivate init(_ event: EventsV1.Event) {
        self.init {
            $0.metadata = event.metadata
            $0.involvedObject = event.regarding
            $0.reason = event.reason
            $0.message = event.note
            $0.source = event.deprecatedSource
            $0.firstTimestamp = event.deprecatedFirstTimestamp
            $0.lastTimestamp = event.deprecatedLastTimestamp
            $0.count = event.deprecatedCount
            $0.type = event.type
            $0.eventTime = event.eventTime
            $0.series = event.series.map { series in
                CoreV1.EventSeries {
                    $0.count = series.count
                    $0.lastObservedTime = series.lastObservedTime
                }
            }
            $0.action = event.action
            $0.related = event.related
            $0.reportingComponent = event.reportingController
            $0.reportingInstance = event.reportingInstance
        }
    }
}

extension EventsV1.Event {
    fileprivate init(_ event: CoreV1.Event) {
        self.init {
            $0.metadata = event.metadata
            $0.eventTime = event.eventTime
            $0.series = event.series.map { series in
                EventsV1.EventSeries {
                    $0.count = series.count
                    $0.lastObservedTime = series.lastObservedTime
                }
            }
            $0.reportingController = event.reportingComponent
            $0.reportingInstance = event.reportingInstance
            $0.action = event.action
            $0.reason = event.reason
            $0.regarding = event.involvedObject
            $0.related = event.related
            $0.note = event.message
            $0.type = event.type
            $0.deprecatedSource = event.source
            $0.deprecatedFirstTimestamp = event.firstTimestamp
            $0.deprecatedLastTimestamp = event.lastTimestamp
            $0.deprecatedCount = event.count
        }
    }
}
