import APIErrors
import Synchronization
import Wire

/// Reads the objects that clients send.
enum Decoding {
    /// The object in a body, which must be of `type`.
    ///
    /// - Parameters:
    ///   - mediaType: A Content-Type without parameters.
    ///   - warnings: Takes what is odd but let through.
    /// - Throws: 400 in Kubernetes' words, 413, 415.
    static func object(
        _ bytes: [UInt8], mediaType: String, type: MessageType,
        validation: WriteParameters.FieldValidation, warnings: Warnings? = nil
    ) throws(APIError) -> Message {
        guard let encoding = MediaType(header: mediaType) else { throw .unsupportedMediaType() }
        let decoded = try decode(bytes, encoding, type)
        guard decoded.object.type === type else {
            throw cannotHandle(decoded.kind, as: type, because:
                "converting (\(goName(decoded.object.type, isInternal: false))) to "
                    + "(\(goName(type, isInternal: true))): unknown conversion")
        }
        guard decoded.issues.isEmpty || validation == .ignore else {
            if validation == .strict {
                throw cannotHandle(decoded.kind, as: type, because:
                    "strict decoding error: \(decoded.issues.joined(separator: ", "))")
            }
            for issue in decoded.issues { warnings?.add(issue) }
            return decoded.object
        }
        return decoded.object
    }

    private static func decode(
        _ bytes: [UInt8], _ encoding: MediaType, _ type: MessageType
    ) throws(APIError) -> DecodedObject {
        do throws(DecodeError) {
            return try ObjectCodec.decode(bytes, encoding, default: type)
        } catch {
            switch error {
            case .unrecognized(let why):
                throw .badRequest(
                    "the object provided is unrecognized (must be of type \(type.kind)): \(why) "
                        + "(\(summary(bytes)))")
            case .unknownKind(let apiVersion, let kind):
                throw cannotHandle(kind, as: type, because:
                    "no kind \"\(kind)\" is registered for version \"\(apiVersion)\" "
                        + "in scheme \"martlet\"")
            case .malformed(let why, _, let kind):
                throw cannotHandle(kind, as: type, because: why)
            case .tooBig: throw .requestEntityTooLarge(bytesMax: Bounds.objectBytesMax)
            }
        }
    }

    /// The options that a body holds; `type` is their kind.
    ///
    /// - Throws: 400, 413, 415.
    static func options(
        _ bytes: [UInt8], mediaType: String, type: MessageType
    ) throws(APIError) -> Message {
        guard let encoding = MediaType(header: mediaType) else { throw .unsupportedMediaType() }
        let decoded = try decode(bytes, encoding, type)
        guard decoded.object.type === type else {
            throw .badRequest(
                "no kind \"\(decoded.kind)\" is registered for version \"\(decoded.apiVersion)\" "
                    + "in scheme \"martlet\"")
        }
        return decoded.object
    }

    private static let summaryBytesMax = 30

    /// The beginning of a body as messages show it: text of what looks like JSON, else hexadecimal.
    private static func summary(_ bytes: [UInt8]) -> String {
        guard let first = bytes.first else { return "<empty>" }
        let start = bytes.prefix(summaryBytesMax)
        let shown = first == UInt8(ascii: "{")
            ? String(decoding: start, as: UTF8.self) : hexadecimalText(start)
        return bytes.count > summaryBytesMax ? shown + " ..." : shown
    }

    private static func cannotHandle(
        _ kind: String, as type: MessageType, because why: String
    ) -> APIError {
        .badRequest("\(kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): \(why)")
    }

    /// A type as Go's messages name it: `v1.Secret`, or `core.Secret` for the hub version.
    private static func goName(_ type: MessageType, isInternal: Bool) -> String {
        guard isInternal else { return "\(type.version).\(type.kind)" }
        let group = type.group.isEmpty ? "core" : String(type.group.prefix { $0 != "." })
        return "\(group).\(type.kind)"
    }
}

/// What is odd about a request but let through; the answer's Warning headers say it.
public final class Warnings: Sendable {
    /// More are not told.
    private static let countMax = 20
    private let texts = Mutex<[String]>([])

    public init() {}

    public func add(_ text: String) {
        texts.withLock { texts in
            if texts.count < Self.countMax, !texts.contains(text) { texts.append(text) }
        }
    }

    public var all: [String] { texts.withLock { $0 } }
}
