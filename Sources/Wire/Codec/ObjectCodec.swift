/// What was read from a body.
public struct DecodedObject: Sendable {
    public var object: Message
    /// As the body says, or the default.
    public var apiVersion: String
    public var kind: String
    /// What strict validation refuses, in order and in Kubernetes' words: `unknown field "dta"`.
    public var issues: [String]
}

/// Why a body is not an object.
public enum DecodeError: Error, Equatable {
    /// Neither version nor kind could be found out.
    case unrecognized(String)
    /// There is no such kind: Kubernetes' "no kind is registered".
    case unknownKind(apiVersion: String, kind: String)
    /// The kind is known, the object is not well.
    case malformed(String, apiVersion: String, kind: String)
    /// More bytes than ``Bounds/objectBytesMax``.
    case tooBig
}

/// Objects to and from bytes, in any of the three encodings.
public enum ObjectCodec {
    /// Reads an object of any kind.
    ///
    /// - Parameters:
    ///   - defaultType: Stands in for what the body does not say of apiVersion and kind.
    ///   - apiVersion: The apiVersion of the default, for kinds that belong to every group.
    public static func decode(
        _ body: RawSpan, _ mediaType: MediaType, default defaultType: MessageType? = nil,
        apiVersion: String? = nil
    ) throws(DecodeError) -> DecodedObject {
        guard body.byteCount <= Bounds.objectBytesMax else { throw .tooBig }
        let expected = Expected(type: defaultType, apiVersion: apiVersion)
        switch mediaType {
        case .json: return try decodeJSON(body, expected)
        case .yaml: return try decodeYAML(body, expected)
        case .protobuf: return try decodeProtobuf(body, expected)
        }
    }

    public static func decode(
        _ body: [UInt8], _ mediaType: MediaType, default defaultType: MessageType? = nil,
        apiVersion: String? = nil
    ) throws(DecodeError) -> DecodedObject {
        try body.withRawSpan { (span) throws(DecodeError) in
            try decode(span, mediaType, default: defaultType, apiVersion: apiVersion)
        }
    }

    /// Writes an object with its kind and apiVersion. JSON has no line end at the end, YAML has.
    ///
    /// - Parameter isPretty: JSON on many lines.
    public static func encode(
        _ object: Message, _ mediaType: MediaType, apiVersion: String? = nil,
        isPretty: Bool = false, into writer: inout ByteWriter
    ) {
        switch mediaType {
        case .protobuf:
            let isKind = object.type.isKind
            let version = isKind ? apiVersion ?? object.type.clientAPIVersion : ""
            writer.appendEnvelope(apiVersion: version, kind: isKind ? object.type.kind : "") {
                ProtobufEncoder.encode(object, into: &$0)
            }
        case .json where isPretty:
            var plain = ByteWriter()
            JSONWriter.write(object: object, apiVersion: apiVersion, into: &plain)
            plain.withBytes { writer.append(indented: $0) }
        case .json: JSONWriter.write(object: object, apiVersion: apiVersion, into: &writer)
        case .yaml: encodeYAML(object, apiVersion, into: &writer)
        }
    }

    public static func encode(
        _ object: Message, _ mediaType: MediaType, apiVersion: String? = nil, isPretty: Bool = false
    ) -> [UInt8] {
        var writer = ByteWriter()
        encode(object, mediaType, apiVersion: apiVersion, isPretty: isPretty, into: &writer)
        return writer.array()
    }
}

/// What is stored: an object's bytes without an envelope.
extension ObjectCodec {
    /// Reads a message's plain protobuf bytes.
    public static func message(_ bytes: RawSpan, as type: MessageType) throws(ProtobufError)
        -> Message
    {
        try ProtobufDecoder.decode(bytes, as: type)
    }

    public static func message(_ bytes: [UInt8], as type: MessageType) throws(ProtobufError)
        -> Message
    {
        try ProtobufDecoder.decode(bytes, as: type)
    }

    /// Writes a message's plain protobuf bytes.
    public static func write(_ message: Message, into writer: inout ByteWriter) {
        ProtobufEncoder.encode(message, into: &writer)
    }

    public static func bytes(_ message: Message) -> [UInt8] {
        var writer = ByteWriter()
        write(message, into: &writer)
        return writer.array()
    }
}

/// What a body is taken for if it does not say.
private struct Expected {
    let type: MessageType?
    let apiVersion: String?

    /// Fills in what is missing and finds the type.
    func resolve(_ apiVersion: String, _ kind: String) throws(DecodeError)
        -> (type: MessageType, apiVersion: String, kind: String)
    {
        var (apiVersion, kind) = (apiVersion, kind)
        if let type {
            if kind.isEmpty { kind = type.kind }
            if apiVersion.isEmpty { apiVersion = self.apiVersion ?? type.clientAPIVersion }
        }
        if kind.isEmpty { throw .unrecognized("Object 'Kind' is missing") }
        if apiVersion.isEmpty { throw .unrecognized("Object 'apiVersion' is missing") }
        if let type, kind == type.kind, apiVersion == self.apiVersion ?? type.clientAPIVersion {
            return (type, apiVersion, kind)
        }
        guard let found = Schema.kind(apiVersion, kind) else {
            throw .unknownKind(apiVersion: apiVersion, kind: kind)
        }
        return (found, apiVersion, kind)
    }
}

extension ObjectCodec {
    /// Most bodies are what is expected; then one pass is enough. Kubernetes looks at a body's kind
    /// before anything else, so whatever is wrong is looked for in that order, in a second pass.
    private static func decodeJSON(_ body: RawSpan, _ expected: Expected) throws(DecodeError)
        -> DecodedObject
    {
        if let object = decodeExpected(body, expected) { return object }
        let header: JSONHeader
        do {
            header = try JSONHeader(body)
        } catch {
            throw .unrecognized(error.description)
        }
        let (type, apiVersion, kind) = try expected.resolve(header.apiVersion, header.kind)
        do {
            let read = try JSONReader.read(body, as: type)
            return DecodedObject(
                object: read.message, apiVersion: apiVersion, kind: kind, issues: read.issues)
        } catch {
            throw .malformed(error.description, apiVersion: apiVersion, kind: kind)
        }
    }

    /// The object, if it is well and of the expected type.
    private static func decodeExpected(_ body: RawSpan, _ expected: Expected) -> DecodedObject? {
        guard let type = expected.type else { return nil }
        do {
            let read = try JSONReader.read(body, as: type)
            let found = try expected.resolve(read.apiVersion, read.kind)
            guard found.type === type else { return nil }
            return DecodedObject(
                object: read.message, apiVersion: found.apiVersion, kind: found.kind,
                issues: read.issues)
        } catch {
            return nil // the caller reads it again, and says what is wrong in Kubernetes' order
        }
    }

    private static func decodeYAML(_ body: RawSpan, _ expected: Expected) throws(DecodeError)
        -> DecodedObject
    {
        let document: YAMLAsJSON
        do {
            document = try YAMLAsJSON.first(of: body)
        } catch {
            throw .unrecognized(error.description)
        }
        var decoded = try document.json.withRawSpan { (json) throws(DecodeError) in
            try decodeJSON(json, expected)
        }
        if let issue = document.issue { decoded.issues.insert(issue, at: 0) }
        return decoded
    }

    private static func encodeYAML(
        _ object: Message, _ apiVersion: String?, into writer: inout ByteWriter
    ) {
        var json = ByteWriter()
        JSONWriter.write(object: object, apiVersion: apiVersion, into: &json)
        do {
            try json.withBytes { (bytes) throws(JSONError) in
                try writer.append(yaml: bytes)
            }
        } catch {
            preconditionFailure("what was just written as JSON is none: \(error)")
        }
    }

    private static func decodeProtobuf(_ body: RawSpan, _ expected: Expected) throws(DecodeError)
        -> DecodedObject
    {
        let envelope: Envelope
        do {
            envelope = try Envelope(body)
        } catch {
            throw .unrecognized(body.byteCount == 0 ? "empty data" : error.description)
        }
        let (type, apiVersion, kind) = try expected.resolve(envelope.apiVersion, envelope.kind)
        do {
            let object = try ProtobufDecoder.decode(body, envelope.raw, as: type)
            return DecodedObject(object: object, apiVersion: apiVersion, kind: kind, issues: [])
        } catch {
            throw .malformed(error.description, apiVersion: apiVersion, kind: kind)
        }
    }
}
