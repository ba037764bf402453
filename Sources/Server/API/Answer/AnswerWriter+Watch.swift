import APIErrors
import Kubernetes
import StoreCore
import Wire

extension AnswerWriter {
    /// A watch: event after event, until the client, the time limit or the server ends it.
    func watch(_ session: WatchSession) -> APIResponse {
        var response = APIResponse(
            status: 200, contentType: form.encoding == .protobuf
                ? "application/vnd.kubernetes.protobuf;stream=watch" : contentType,
            body: .watch(WatchFeed(session, self)))
        response.isCompressible = false
        return response
    }

    /// One item written down.
    ///
    /// - Parameter isFirst: The first row of a table says what its columns are.
    func rendered(
        _ item: WatchSession.Item, isFirst: Bool
    ) throws(APIError) -> [UInt8] {
        switch item {
        case .initial(let object):
            return try frame(.added) { writer throws(APIError) in
                try append(object, isFirst: isFirst, to: &writer)
            }
        case .event(let type, let event):
            if form.shape == .table {
                return try frame(type) { writer throws(APIError) in
                    try append(event.shown(as: type), isFirst: isFirst, to: &writer)
                }
            }
            let key = ObjectEvent.Form(event: type, answer: form)
            return try event.rendered(key) { () throws(APIError) in
                try frame(type) { writer throws(APIError) in
                    try append(event.shown(as: type), to: &writer)
                }
            }
        case .bookmark(let revision, let endsInitialEvents):
            return try frame(.bookmark) { writer throws(APIError) in
                try append(Self.bookmark(operation.type, revision, endsInitialEvents), to: &writer)
            }
        case .error(let error):
            return try frame(.error) { writer throws(APIError) in
                ObjectCodec.encode(error.status.tree, eventEncoding, into: &writer)
            }
        }
    }

    private func append(
        _ object: EncodedObject, isFirst: Bool, to writer: inout ByteWriter
    ) throws(APIError) {
        if form.shape == .table {
            try appendTable([object], of: nil, showsColumns: isFirst, to: &writer)
        } else {
            try append(object, to: &writer)
        }
    }

    /// Watches are never indented, and never YAML.
    private var eventEncoding: MediaType { form.encoding == .protobuf ? .protobuf : .json }

    private func frame(
        _ type: EventType, _ body: (inout ByteWriter) throws(APIError) -> Void
    ) throws(APIError) -> [UInt8] {
        var writer = ByteWriter(capacity: 2048)
        if form.encoding == .protobuf {
            try WatchFrames.appendProtobuf(type, into: &writer, object: body)
        } else {
            try WatchFrames.appendJSON(type, into: &writer, object: body)
        }
        return writer.array()
    }

    /// An object of the type that has nothing but a version.
    private static func bookmark(
        _ type: MessageType, _ revision: Revision, _ endsInitialEvents: Bool
    ) -> EncodedObject {
        var tree = Message(type)
        if endsInitialEvents {
            tree.metadata.annotations = ["k8s.io/initial-events-end": "true"]
        }
        return EncodedObject(type: type, bytes: ObjectCodec.bytes(tree), revision: revision)
    }
}
