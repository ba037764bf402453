import StoreCore
import Synchronization
public import Wire

/// What a watcher sees of a change.
public typealias EventType = WatchFrames.EventType

/// One change of one object. There is one instance of it for all who watch, and it is written down
/// once for each form that anybody asked for.
public final class ObjectEvent: Sendable {
    public let type: MessageType
    public let revision: Revision
    /// As it is now; nil after a deletion.
    let object: [UInt8]?
    /// As it was before; nil before its creation.
    let previous: [UInt8]?
    let namespace: String
    private let renderings = Mutex<[Form: [UInt8]]>([:])

    struct Form: Hashable {
        let event: EventType
        let answer: AnswerForm
    }

    init(
        type: MessageType, revision: Revision, namespace: String, object: [UInt8]?,
        previous: [UInt8]?
    ) {
        self.type = type
        self.revision = revision
        self.namespace = namespace
        self.object = object
        self.previous = previous
    }

    /// What the change is to those who see only a selection; nil if they do not see it.
    func seen(through selection: Selection) -> EventType? {
        let isIn = object.map { selection.matches($0, type: type) } ?? false
        let wasIn = previous.map { selection.matches($0, type: type) } ?? false
        return switch (wasIn, isIn) {
        case (false, true): .added
        case (true, true): .modified
        case (true, false): .deleted
        case (false, false): nil
        }
    }

    /// The object that goes with an event: for a deletion what it was, with the deletion's revision.
    public func shown(as event: EventType) -> EncodedObject {
        let bytes = event == .deleted ? previous ?? object : object
        return EncodedObject(type: type, bytes: bytes ?? [], revision: revision)
    }

    /// The event written down, made by `make` the first time.
    func rendered<Failure>(
        _ form: Form, _ make: () throws(Failure) -> [UInt8]
    ) throws(Failure) -> [UInt8] {
        if let known = renderings.withLock({ $0[form] }) { return known }
        let made = try make()
        renderings.withLock { $0[form] = made }
        return made
    }
}
