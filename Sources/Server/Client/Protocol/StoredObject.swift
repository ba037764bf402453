public import APIErrors
public import Kubernetes
public import Wire

/// The revision of the store at which an object, or a list, was as it is. Orders every change.
public struct ResourceVersion: Hashable, Comparable, Sendable {
    public let revision: UInt64

    public init(_ revision: UInt64) { self.revision = revision }

    /// From `metadata.resourceVersion`. Nil if it is no number.
    public init?(_ text: String) {
        guard let revision = UInt64(text) else { return nil }
        self.revision = revision
    }

    public var text: String { String(revision) }

    public static func < (a: Self, b: Self) -> Bool { a.revision < b.revision }
}

/// An object as lists and watches hand it out: a tree, or bytes that become one on demand.
public struct StoredObject: Sendable {
    public let type: MessageType
    public let resourceVersion: ResourceVersion
    private let content: Content

    private enum Content: Sendable {
        case tree(Message)
        case protobuf([UInt8])
    }

    /// An object whose `metadata.resourceVersion` is set in the tree.
    public init(_ tree: Message) {
        type = tree.type
        resourceVersion = ResourceVersion(tree.objectMeta.resourceVersion) ?? ResourceVersion(0)
        content = .tree(tree)
    }

    /// An object as it is stored: its protobuf bytes without an envelope. The revision need not
    /// be among them.
    public init(_ type: MessageType, protobuf: [UInt8], at resourceVersion: ResourceVersion) {
        self.type = type
        self.resourceVersion = resourceVersion
        content = .protobuf(protobuf)
    }

    /// The tree, with `metadata.resourceVersion`.
    ///
    /// - Throws: an ``APIError`` of code 0 if the server sent bytes that are no object.
    /// - Complexity: a decoding, each time, if it is bytes.
    public func tree() throws(APIError) -> Message {
        switch content {
        case .tree(let tree): return tree
        case .protobuf(let bytes):
            do throws(ProtobufError) {
                var tree = try ObjectCodec.message(bytes, as: type)
                tree.objectMeta.resourceVersion = resourceVersion.text
                return tree
            } catch {
                throw APIError.noAnswer("bytes that are no \(type.kind): \(error)")
            }
        }
    }

    /// The metadata alone, with `resourceVersion`: of bytes, the rest is not decoded.
    ///
    /// - Throws: an ``APIError`` of code 0 if the server sent bytes that are no object.
    public func metadata() throws(APIError) -> MetaV1.ObjectMeta {
        switch content {
        case .tree(let tree): return tree.objectMeta
        case .protobuf(let bytes):
            do throws(ProtobufError) {
                let tree = try ObjectCodec.message(
                    Array(bytes.firstField(1)), as: MetaV1.ObjectMeta.messageType)
                var metadata = MetaV1.ObjectMeta(unchecked: tree)
                metadata.resourceVersion = resourceVersion.text
                return metadata
            } catch {
                throw APIError.noAnswer("bytes that are no \(type.kind): \(error)")
            }
        }
    }

    /// The same object as bytes, which take a fraction of a tree's memory.
    public var packed: StoredObject {
        guard case .tree(let tree) = content else { return self }
        let bytes = ObjectCodec.bytes(tree)
        return StoredObject(type, protobuf: bytes, at: resourceVersion)
    }
}

extension [UInt8] {
    /// The content of a message's first field, if it has this number (of less than 16) and a
    /// length; else nothing.
    fileprivate func firstField(_ number: UInt8) -> ArraySlice<UInt8> {
        guard first == number << 3 | 2 else { return [] }
        var length = 0
        for (index, byte) in dropFirst().prefix(5).enumerated() {
            length |= Int(byte & 0x7f) << (7 * index)
            if byte < 0x80 { return dropFirst(index + 2).prefix(length) }
        }
        return []
    }
}

/// What a list answers.
public struct ObjectList: Sendable {
    public var items: [StoredObject]
    /// Of the list: watch from here to miss nothing.
    public var resourceVersion: ResourceVersion
    /// Token for the next page; nil on the last.
    public var continuation: String?
    /// Items after this page, if the server counted them.
    public var remainingItemCount: Int?

    public init(
        items: [StoredObject], resourceVersion: ResourceVersion, continuation: String? = nil,
        remainingItemCount: Int? = nil
    ) {
        self.items = items
        self.resourceVersion = resourceVersion
        self.continuation = continuation
        self.remainingItemCount = remainingItemCount
    }
}
