import StoreCore
import Synchronization
public import Wire

/// What a watcher sees of a change.
public typealias EventType = WatchFrames.EventType

/// One change of one object. There is one instance of it for all who watch: what selectors ask of
/// the object is read once, and it is written down once for each form that anybody asked for.
public final class ObjectEvent: Sendable {
    public let type: MessageType
    public let revision: Revision
    /// As it is now; nil after a deletion.
    let object: [UInt8]?
    /// As it was before; nil before its creation.
    let previous: [UInt8]?
    let namespace: String
    private let shared = Mutex(Shared())

    struct Form: Hashable {
        let event: EventType
        let answer: AnswerForm
    }

    private struct Shared {
        /// Of few forms, which are looked through faster than hashed.
        var renderings: [(form: Form, bytes: [UInt8])] = []
        var object = Selection.Reading()
        var previous = Selection.Reading()
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
        let (wasIn, isIn) = selection.isEverything ? (previous != nil, object != nil)
            : shared.withLock { shared in
                (previous.map { selection.matches($0, type: type, &shared.previous) } ?? false,
                 object.map { selection.matches($0, type: type, &shared.object) } ?? false)
            }
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
        let known = shared.withLock { shared in
            shared.renderings.first { $0.form == form }?.bytes
        }
        if let known { return known }
        let made = try make()
        shared.withLock { $0.renderings.append((form, made)) }
        return made
    }
}
