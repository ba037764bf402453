/// Answers made of stored bytes, which are copied and not read: an object's own protobuf encoding,
/// without an envelope and without metadata.resourceVersion.
extension ByteWriter {
    /// Copies an object's bytes and puts metadata.resourceVersion into them.
    ///
    /// The metadata must be the first field, as it is in what ``ObjectCodec`` writes; an object
    /// without metadata gets it.
    ///
    /// - Throws: ``ProtobufError`` if the bytes are damaged before the end of the metadata.
    /// - Complexity: O(*n*) copying; the fields of the metadata up to number 6 are walked.
    public mutating func appendObject(_ bytes: RawSpan, resourceVersion: Int64)
        throws(ProtobufError)
    {
        try bytes.withCursor { (cursor) throws(ProtobufError) in
            let (part, insertion) = try ByteWriter.splice(cursor)
            let digits = ByteWriter.digits(resourceVersion)
            appendTag(ObjectMetaNumbers.metadata, WireType.lengthDelimited)
            appendVarint(UInt64(part.count + 2 + digits))
            append(cursor, part.lowerBound..<insertion)
            appendTag(ObjectMetaNumbers.resourceVersion, WireType.lengthDelimited)
            append(UInt8(truncatingIfNeeded: digits))
            append(decimal: resourceVersion)
            append(cursor, insertion..<cursor.end)
        }
    }

    /// The size of what ``appendObject(_:resourceVersion:)`` writes.
    static func objectSize(_ bytes: RawSpan, resourceVersion: Int64) throws(ProtobufError) -> Int {
        try bytes.withCursor { (cursor) throws(ProtobufError) in
            let (part, _) = try splice(cursor)
            let inner = part.count + 2 + digits(resourceVersion)
            return 1 + varintSize(UInt64(inner)) + inner + cursor.end - part.upperBound
        }
    }

    /// Where the metadata's content is, and where in it a resourceVersion goes.
    private static func splice(_ bytes: ByteCursor) throws(ProtobufError)
        -> (metadata: Range<Int>, insertion: Int)
    {
        var cursor = bytes
        guard !cursor.isAtEnd, case let tag = try cursor.tag(),
            tag.number == ObjectMetaNumbers.metadata
        else { return (bytes.position..<bytes.position, bytes.position) }
        let part = try cursor.delimited(tag)
        var inner = bytes.subrange(part)
        while !inner.isAtEnd {
            let start = inner.position
            let tag = try inner.tag()
            if tag.number >= ObjectMetaNumbers.resourceVersion { return (part, start) }
            try inner.skip(tag)
        }
        return (part, part.upperBound)
    }

    private static func digits(_ number: Int64) -> Int {
        var count = number < 0 ? 2 : 1
        var rest = number.magnitude
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// Writes an object as an answer in protobuf: its bytes with a resourceVersion, in an envelope.
    public mutating func appendEnveloped(
        _ bytes: RawSpan, apiVersion: String, kind: String, resourceVersion: Int64
    ) throws(ProtobufError) {
        let start = beginEnvelope(apiVersion: apiVersion, kind: kind)
        try appendObject(bytes, resourceVersion: resourceVersion)
        endEnvelope(start)
    }
}

/// What a list says of itself.
public struct ListMetadata: Equatable, Sendable {
    public var resourceVersion: Int64
    /// Empty if this is all.
    public var `continue` = ""
    public var remainingItemCount: Int64?

    public init(resourceVersion: Int64, continue: String = "", remainingItemCount: Int64? = nil) {
        self.resourceVersion = resourceVersion
        self.continue = `continue`
        self.remainingItemCount = remainingItemCount
    }
}

/// Lists in JSON, item by item.
extension ByteWriter {
    /// Writes `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"12"},"items":[`.
    ///
    /// Between the items go commas, and after them ``endJSONList()``.
    public mutating func beginJSONList(apiVersion: String, kind: String, _ metadata: ListMetadata) {
        append("{\"kind\":")
        appendJSON(kind)
        append(",\"apiVersion\":")
        appendJSON(apiVersion)
        append(",\"metadata\":{\"resourceVersion\":")
        append(quoted: metadata.resourceVersion)
        if !metadata.continue.isEmpty {
            append(",\"continue\":")
            appendJSON(metadata.continue)
        }
        if let count = metadata.remainingItemCount {
            append(",\"remainingItemCount\":")
            append(decimal: count)
        }
        append("},\"items\":[")
    }

    public mutating func endJSONList() { append("]}") }
}

/// Lists in protobuf, item by item: the envelope's length comes before them, so that all items'
/// sizes must be added up first.
extension ByteWriter {
    /// Bytes that an item takes within a list.
    public static func listItemSize(_ bytes: RawSpan, resourceVersion: Int64) throws(ProtobufError)
        -> Int
    {
        let size = try objectSize(bytes, resourceVersion: resourceVersion)
        return 1 + varintSize(UInt64(size)) + size
    }

    /// Writes everything before the items.
    ///
    /// - Parameter itemBytes: The sum of their ``listItemSize(_:resourceVersion:)``.
    public mutating func beginProtobufList(
        apiVersion: String, kind: String, _ metadata: ListMetadata, itemBytes: Int
    ) {
        var head = ByteWriter(capacity: 128)
        let start = head.beginField(1)
        head.appendField(2, "\(metadata.resourceVersion)")
        if !metadata.continue.isEmpty { head.appendField(3, metadata.continue) }
        if let count = metadata.remainingItemCount {
            head.appendField(4, varint: UInt64(bitPattern: count))
        }
        head.endField(start)
        append(Envelope.magic)
        let typeMeta = beginField(1)
        appendField(1, apiVersion)
        appendField(2, kind)
        endField(typeMeta)
        appendTag(2, WireType.lengthDelimited)
        appendVarint(UInt64(head.count + itemBytes))
        head.withBytes { append($0) }
    }

    public mutating func appendListItem(_ bytes: RawSpan, resourceVersion: Int64)
        throws(ProtobufError)
    {
        let size = try ByteWriter.objectSize(bytes, resourceVersion: resourceVersion)
        appendTag(2, WireType.lengthDelimited)
        appendVarint(UInt64(size))
        try appendObject(bytes, resourceVersion: resourceVersion)
    }

    /// Writes what comes after the items.
    public mutating func endProtobufList() {
        appendField(3, "")
        appendField(4, "")
    }
}
