/// What selectors, watches and the garbage collector ask of an object, read from its bytes without
/// a tree.
public struct ObjectHeader: Equatable, Sendable {
    public var name = ""
    public var namespace = ""
    public var uid = ""
    public var generation: Int64 = 0
    public var isBeingDeleted = false
    /// As the object's bytes have them: sorted by key.
    public var labels: [(key: String, value: String)] = []
    public var ownerUIDs: [String] = []

    /// Reads stored bytes of an object whose field 1 is its metadata.
    ///
    /// - Throws: ``ProtobufError`` if what is before the end of the metadata is damaged.
    /// - Complexity: O(size of the metadata).
    public init(_ bytes: RawSpan) throws(ProtobufError) {
        self = try bytes.withCursor { (cursor) throws(ProtobufError) in
            var header = ObjectHeader()
            if let metadata = try cursor.metadata() { try header.read(metadata) }
            return header
        }
    }

    public init(_ bytes: [UInt8]) throws(ProtobufError) {
        self = try bytes.withRawSpan { (span) throws(ProtobufError) in try ObjectHeader(span) }
    }

    private init() {}

    public func label(_ key: String) -> String? { labels.first { $0.key == key }?.value }

    private mutating func read(_ metadata: ByteCursor) throws(ProtobufError) {
        var cursor = metadata
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.number {
            case ObjectMetaNumbers.name: name = try cursor.text(tag)
            case ObjectMetaNumbers.namespace: namespace = try cursor.text(tag)
            case ObjectMetaNumbers.uid: uid = try cursor.text(tag)
            case ObjectMetaNumbers.generation:
                generation = Int64(bitPattern: try cursor.varint(tag))
            case ObjectMetaNumbers.deletionTimestamp:
                isBeingDeleted = true
                try cursor.skip(tag)
            case ObjectMetaNumbers.labels:
                labels.append(try cursor.subrange(try cursor.delimited(tag)).textEntry())
            case ObjectMetaNumbers.ownerReferences:
                let owner = cursor.subrange(try cursor.delimited(tag))
                ownerUIDs.append(try owner.text(of: ObjectMetaNumbers.ownerUID) ?? "")
            default: try cursor.skip(tag)
            }
        }
    }

    public static func == (a: ObjectHeader, b: ObjectHeader) -> Bool {
        a.name == b.name && a.namespace == b.namespace && a.uid == b.uid
            && a.generation == b.generation && a.isBeingDeleted == b.isBeingDeleted
            && a.ownerUIDs == b.ownerUIDs && a.labels.elementsEqual(b.labels, by: ==)
    }
}

extension ByteCursor {
    /// The metadata of the object that these bytes are, or nil if it has none.
    func metadata() throws(ProtobufError) -> ByteCursor? {
        var cursor = self
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.number == ObjectMetaNumbers.metadata {
                return subrange(try cursor.delimited(tag))
            }
            try cursor.skip(tag)
        }
        return nil
    }

    /// The string whose tag was just read.
    mutating func text(_ tag: Tag) throws(ProtobufError) -> String {
        let range = try delimited(tag)
        guard let text = string(range) else {
            throw ProtobufError(.invalidUTF8, at: range.lowerBound)
        }
        return text
    }

    /// The string in a field of the message that these bytes are.
    func text(of number: Int) throws(ProtobufError) -> String? {
        var cursor = self
        var text: String?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.number == number { text = try cursor.text(tag) } else { try cursor.skip(tag) }
        }
        return text
    }

    /// The key and value of the entry of a map of strings that these bytes are.
    func textEntry() throws(ProtobufError) -> (key: String, value: String) {
        (try text(of: 1) ?? "", try text(of: 2) ?? "")
    }
}
