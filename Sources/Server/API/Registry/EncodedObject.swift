public import APIErrors
import Kubernetes
public import StoreCore
public import Wire

/// An object as the store holds it: its protobuf bytes, made once when it was written.
///
/// The bytes have no metadata.resourceVersion: that is ``revision``, and is put in on the way out.
public struct EncodedObject: Sendable {
    public let type: MessageType
    public let bytes: [UInt8]
    /// ``Revision/none`` of an object that a dry run made.
    public internal(set) var revision: Revision

    public init(type: MessageType, bytes: [UInt8], revision: Revision) {
        self.type = type
        self.bytes = bytes
        self.revision = revision
    }

    /// The bytes of a tree, as they are stored.
    init(_ tree: Message, revision: Revision) {
        var stored = tree
        stored.metadata.resourceVersion = ""
        self.init(type: tree.type, bytes: ObjectCodec.bytes(stored), revision: revision)
    }

    /// Whether somebody has asked for it to be deleted.
    func isBeingDeleted() throws(APIError) -> Bool {
        try tree().metadata.deletionTimestamp != nil
    }

    /// The object as a tree, with its resourceVersion.
    ///
    /// - Throws: An internal error if the bytes are not what was written, which the store rules out.
    public func tree() throws(APIError) -> Message {
        do {
            var tree = try ObjectCodec.message(bytes, as: type)
            if revision != .none { tree.metadata.resourceVersion = "\(revision)" }
            return tree
        } catch {
            throw .internalError("a stored \(type.kind) cannot be read: \(error)")
        }
    }
}

extension Message {
    /// The ObjectMeta of an object, which is field 1 of every kind that a resource serves.
    var metadata: MetaV1.ObjectMeta {
        get { view(1) }
        _modify { yield &self[view: 1] }
    }
}

/// What an operation leads to, before anyone has decided how it is written down.
public enum Outcome: Sendable {
    case object(EncodedObject, isNew: Bool)
    /// An answer that is not stored, such as a review, a scale or a Status.
    case tree(Message, status: Int)
    case list(ListAnswer)
    case watch(WatchSession)
}
