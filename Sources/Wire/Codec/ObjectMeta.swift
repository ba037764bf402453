/// Numbers of fields that every object has; those of meta.v1.ObjectMeta never change.
enum ObjectMetaNumbers {
    /// Of the metadata in its object.
    static let metadata = 1
    static let name = 1
    static let namespace = 3
    static let uid = 5
    static let resourceVersion = 6
    static let generation = 7
    static let deletionTimestamp = 9
    static let labels = 11
    static let ownerReferences = 13
    /// Of the uid in an owner reference.
    static let ownerUID = 4
}

extension MessageType {
    private static let objectMeta = Schema.messageType("kubernetes.meta.v1.ObjectMeta")

    /// Whether its field 1 is the metadata of an object.
    public var hasObjectMeta: Bool {
        field(ObjectMetaNumbers.metadata)?.type === MessageType.objectMeta
    }
}

extension Message {
    /// Sets metadata.resourceVersion; without effect on what has no such metadata.
    public mutating func setResourceVersion(_ version: Int64) {
        guard type.hasObjectMeta, let meta = type.field(ObjectMetaNumbers.metadata)?.type else {
            return
        }
        var metadata = Message(meta)
        if case .message(let there)? = self[ObjectMetaNumbers.metadata] { metadata = there }
        metadata[ObjectMetaNumbers.resourceVersion] = .string("\(version)")
        self[ObjectMetaNumbers.metadata] = .message(metadata)
    }
}
