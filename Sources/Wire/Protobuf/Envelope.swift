/// How Kubernetes wraps an object in protobuf: `k8s\0` and a runtime.Unknown around its bytes.
public struct Envelope: Equatable, Sendable {
    static let magic: StaticString = "k8s\u{0}"
    static let magicCount = 4

    public var apiVersion: String
    public var kind: String
    /// Where the object's bytes are in the envelope's.
    public var raw: Range<Int>

    /// Reads an envelope's frame, not what is in it.
    ///
    /// - Throws: ``ProtobufError`` with reason `.noEnvelope` if the magic number is missing.
    public init(_ bytes: RawSpan) throws(ProtobufError) {
        self = try bytes.withCursor { (cursor) throws(ProtobufError) in try Envelope(cursor) }
    }

    public init(_ bytes: [UInt8]) throws(ProtobufError) {
        self = try bytes.withCursor { (cursor) throws(ProtobufError) in try Envelope(cursor) }
    }

    init(_ bytes: ByteCursor) throws(ProtobufError) {
        var cursor = bytes
        guard Envelope.isMagic(cursor) else { throw ProtobufError(.noEnvelope, at: 0) }
        cursor.position += Envelope.magicCount
        (apiVersion, kind, raw) = ("", "", cursor.position..<cursor.position)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.number {
            case 1: try readTypeMeta(cursor.subrange(try cursor.delimited(tag)))
            case 2: raw = try cursor.delimited(tag)
            case 3: try Envelope.check(cursor, encoding: try cursor.delimited(tag))
            default: try cursor.skip(tag)
            }
        }
    }

    static func isMagic(_ cursor: ByteCursor) -> Bool {
        guard cursor.remaining >= magicCount else { return false }
        return cursor.equals(cursor.position..<cursor.position + magicCount, magic)
    }

    private mutating func readTypeMeta(_ bytes: ByteCursor) throws(ProtobufError) {
        var cursor = bytes
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag.number == 1 || tag.number == 2 else {
                try cursor.skip(tag)
                continue
            }
            let range = try cursor.delimited(tag)
            guard let text = cursor.string(range) else {
                throw ProtobufError(.invalidUTF8, at: range.lowerBound)
            }
            if tag.number == 1 { apiVersion = text } else { kind = text }
        }
    }

    private static func check(_ cursor: ByteCursor, encoding: Range<Int>) throws(ProtobufError) {
        guard encoding.isEmpty else {
            let text = cursor.repairedString(encoding)
            throw ProtobufError(.encoded(text), at: encoding.lowerBound)
        }
    }
}

extension ByteWriter {
    /// Writes an envelope around what `body` writes.
    mutating func appendEnvelope(
        apiVersion: String, kind: String, body: (inout ByteWriter) -> Void
    ) {
        let start = beginEnvelope(apiVersion: apiVersion, kind: kind)
        body(&self)
        endEnvelope(start)
    }

    /// Begins an envelope; the object's bytes come next, then ``endEnvelope(_:)`` with the result.
    public mutating func beginEnvelope(apiVersion: String, kind: String) -> Int {
        append(Envelope.magic)
        let typeMeta = beginField(1)
        appendField(1, apiVersion)
        appendField(2, kind)
        endField(typeMeta)
        return beginField(2)
    }

    public mutating func endEnvelope(_ start: Int) {
        endField(start)
        appendField(3, "")
        appendField(4, "")
    }
}
