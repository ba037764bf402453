import APIErrors
import Kubernetes
import StoreCore
import Wire

/// Kinds that are another kind's objects in other words: one object is stored, and seen as both.
///
/// - Source: Kubernetes stores events of the group events.k8s.io as those of the core group, and
///   autoscalers of autoscaling/v1 as those of autoscaling/v2.
enum Conversion: Sendable {
    case events, autoscalers

    /// Nil for a type that is stored as it is served.
    init?(of served: MessageType) {
        switch served {
        case EventsV1.Event.messageType: self = .events
        case AutoscalingV1.HorizontalPodAutoscaler.messageType: self = .autoscalers
        default: return nil
        }
    }

    /// What clients see.
    var served: MessageType {
        switch self {
        case .events: EventsV1.Event.messageType
        case .autoscalers: AutoscalingV1.HorizontalPodAutoscaler.messageType
        }
    }

    /// What the store holds.
    var stored: MessageType {
        switch self {
        case .events: CoreV1.Event.messageType
        case .autoscalers: AutoscalingV2.HorizontalPodAutoscaler.messageType
        }
    }

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
        switch self {
        case .events: EventsV1.Event(tree).map { CoreV1.Event($0).tree } ?? tree
        case .autoscalers:
            AutoscalingV1.HorizontalPodAutoscaler(tree)
                .map { AutoscalingV2.HorizontalPodAutoscaler($0).tree } ?? tree
        }
    }

    /// A stored tree as clients see it; one that is so already stays.
    func served(_ tree: Message) -> Message {
        switch self {
        case .events: CoreV1.Event(tree).map { EventsV1.Event($0).tree } ?? tree
        case .autoscalers:
            AutoscalingV2.HorizontalPodAutoscaler(tree)
                .map { AutoscalingV1.HorizontalPodAutoscaler($0).tree } ?? tree
        }
    }

    /// A stored tree as the rules look at it: each group has rules of its own for events, where
    /// autoscalers have one set, of the newer version.
    func validated(_ tree: Message) -> Message {
        switch self {
        case .events: served(tree)
        case .autoscalers: tree
        }
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
