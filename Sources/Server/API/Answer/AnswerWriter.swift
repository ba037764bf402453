import APIErrors
import Kubernetes
import StoreCore
import Tables
import Wire


/// Writes outcomes down in the form that the client accepts.
struct AnswerWriter: Sendable {
    let form: AnswerForm
    let operation: Operation
    /// What ages in tables are counted to.
    let now: Timestamp

    /// Bytes that are collected before they are handed to the transport.
    static let chunkBytes = 64 * 1024

    func answer(_ outcome: Outcome) throws(APIError) -> APIResponse {
        var response = try respond(outcome)
        for text in operation.warnings.all { response.warn(text) }
        return response
    }

    private func respond(_ outcome: Outcome) throws(APIError) -> APIResponse {
        switch outcome {
        case .object(let object, let isNew): return try one(object, status: isNew ? 201 : 200)
        case .tree(let tree, let status):
            return Self.tree(tree, status: status, form: form)
        case .list(let list): return try self.list(list)
        case .watch(let session): return watch(session)
        }
    }

    private func one(_ object: EncodedObject, status: Int) throws(APIError) -> APIResponse {
        var writer = ByteWriter(capacity: object.bytes.count * 2 + 256)
        try append(object, to: &writer)
        if form.encoding == .json { writer.append(UInt8(ascii: "\n")) }
        return APIResponse(
            status: status, contentType: contentType, body: .bytes(writer.array()))
    }

    /// One object by itself, with kind and apiVersion.
    func append(_ object: EncodedObject, to writer: inout ByteWriter) throws(APIError) {
        switch form.shape {
        case .table: try appendTable([object], of: nil, to: &writer)
        case .metadata: try appendMetadata(object, to: &writer)
        case .object: try appendWhole(object, to: &writer)
        }
    }

    private func appendWhole(_ object: EncodedObject, to writer: inout ByteWriter) throws(APIError) {
        guard object.revision != .none, form.encoding != .yaml, !form.isPretty else {
            return ObjectCodec.encode(
                try object.tree(), form.encoding.codec, isPretty: form.isPretty, into: &writer)
        }
        let revision = object.revision.number
        do throws(ProtobufError) {
            // The array outlives the span, which ends with this block.
            let bytes = unsafe object.bytes.span.bytes
            if form.encoding == .protobuf {
                try writer.appendEnveloped(
                    bytes, apiVersion: object.type.apiVersion, kind: object.type.kind,
                    resourceVersion: revision)
            } else {
                var transcoder = Transcoder()
                try transcoder.transcode(
                    protobuf: bytes, as: object.type, resourceVersion: revision, into: &writer)
            }
        } catch { throw .damaged(object.type, error) }
    }

    /// Objects as rows of a table, of a list or by themselves.
    func appendTable(
        _ objects: [EncodedObject], of list: ListAnswer?, showsColumns: Bool = true,
        to writer: inout ByteWriter
    ) throws(APIError) {
        var trees: [Message] = []
        for object in objects { trees.append(try object.tree()) }
        var metadata = list.map { MetaV1.ListMeta($0) } ?? MetaV1.ListMeta()
        if list == nil, let object = objects.first { metadata.resourceVersion = "\(object.revision)" }
        TableWriter.write(
            trees, of: operation.type, list: metadata, included: operation.list.tableObjects,
            apiVersion: form.tableVersion, showsColumns: showsColumns, now: now, into: &writer)
    }

    private func appendMetadata(
        _ object: EncodedObject, to writer: inout ByteWriter
    ) throws(APIError) {
        ObjectCodec.encode(
            try PartialMetadata.of(object.tree()), form.encoding.codec, isPretty: form.isPretty,
            into: &writer)
    }

    var contentType: String {
        form.encoding.mediaType
    }

    /// An answer that is a tree already.
    static func tree(_ tree: Message, status: Int, form: AnswerForm) -> APIResponse {
        var writer = ByteWriter()
        ObjectCodec.encode(tree, form.encoding.codec, isPretty: form.isPretty, into: &writer)
        if form.encoding == .json { writer.append(UInt8(ascii: "\n")) }
        return APIResponse(
            status: status, contentType: form.encoding.mediaType, body: .bytes(writer.array()))
    }

    /// A failure, written in what the client accepts, or JSON if that is nothing.
    static func answer(_ error: APIError, accept: String) -> APIResponse {
        let accepted = AnswerForm(accept: accept, allowsShapes: true) ?? .json
        var response = tree(
            error.status.tree, status: error.code == 0 ? 500 : error.code,
            form: AnswerForm(encoding: accepted.encoding, shape: .object))
        if let seconds = error.details?.retryAfterSeconds, seconds > 0 {
            response.headers.append(("retry-after", "\(seconds)"))
        }
        return response
    }

}

extension APIResponse {
    /// Tells the client what is odd about its request.
    mutating func warn(_ text: String) {
        var quoted = ""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar.value < 32 ? " " : scalar)
        }
        headers.append(("warning", "299 - \"\(quoted)\""))
    }
}

extension APIError {
    /// 500: the store holds something that nobody wrote.
    static func damaged(_ type: MessageType, _ error: ProtobufError) -> APIError {
        .internalError("a stored \(type.kind) cannot be read: \(error)")
    }
}

extension AnswerForm.Encoding {
    var codec: MediaType {
        switch self {
        case .json: .json
        case .yaml: .yaml
        case .protobuf: .protobuf
        }
    }
}
