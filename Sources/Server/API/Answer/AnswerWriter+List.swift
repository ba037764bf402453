import APIErrors
import Kubernetes
import StoreCore
import Wire

extension AnswerWriter {
    /// A list: streamed page by page, so that its length does not show in the server's memory. The
    /// forms that people read are made whole.
    func list(_ list: ListAnswer) throws(APIError) -> APIResponse {
        switch (form.shape, form.encoding) {
        case (.object, .json) where !form.isPretty: return streamedJSON(list)
        case (.object, .protobuf): return try streamedProtobuf(list)
        case (.table, _): return try table(list)
        case (.metadata, .json) where !form.isPretty: return try metadataList(list)
        case (.object, _), (.metadata, _):
            return Self.tree(try wholeList(list), status: 200, form: form)
        }
    }

    private func streamedJSON(_ list: ListAnswer) -> APIResponse {
        APIResponse(
            status: 200, contentType: contentType,
            body: .stream { body in
                var transcoder = Transcoder()
                var writer = ByteWriter(capacity: Self.chunkBytes * 2)
                writer.beginJSONList(
                    apiVersion: list.type.apiVersion, kind: "\(list.type.kind)List", list.metadata)
                var isFirst = true
                var pages = list.pages
                while try pages.next({ (bytes, revision) throws(APIError) in
                    if !isFirst { writer.append(UInt8(ascii: ",")) }
                    isFirst = false
                    do throws(ProtobufError) {
                        try transcoder.transcode(
                            protobuf: bytes, as: list.type, resourceVersion: revision.number,
                            withKind: false, into: &writer)
                    } catch { throw .damaged(list.type, error) }
                }) {
                    guard writer.count >= Self.chunkBytes else { continue }
                    try await body.write(writer.array())
                    writer.removeAll()
                }
                writer.endJSONList()
                writer.append(UInt8(ascii: "\n"))
                try await body.write(writer.array())
            })
    }

    /// Protobuf says how long a list is before the list, so it is gone through twice.
    private func streamedProtobuf(_ list: ListAnswer) throws(APIError) -> APIResponse {
        var itemBytes = 0
        var pages = list.pages
        while try pages.next({ (bytes, revision) throws(APIError) in
            do throws(ProtobufError) {
                itemBytes += try ByteWriter.listItemSize(bytes, resourceVersion: revision.number)
            } catch { throw .damaged(list.type, error) }
        }) {}
        let total = itemBytes
        return APIResponse(
            status: 200, contentType: contentType,
            body: .stream { body in
                var writer = ByteWriter(capacity: Self.chunkBytes * 2)
                writer.beginProtobufList(
                    apiVersion: list.type.apiVersion, kind: "\(list.type.kind)List", list.metadata,
                    itemBytes: total)
                var pages = list.pages
                while try pages.next({ (bytes, revision) throws(APIError) in
                    do throws(ProtobufError) {
                        try writer.appendListItem(bytes, resourceVersion: revision.number)
                    } catch { throw .damaged(list.type, error) }
                }) {
                    guard writer.count >= Self.chunkBytes else { continue }
                    try await body.write(writer.array())
                    writer.removeAll()
                }
                writer.endProtobufList()
                try await body.write(writer.array())
            })
    }

    private func table(_ list: ListAnswer) throws(APIError) -> APIResponse {
        var objects: [EncodedObject] = []
        try list.forEachObject { object throws(APIError) in objects.append(object) }
        var writer = ByteWriter(capacity: Self.chunkBytes)
        try appendTable(objects, of: list, to: &writer)
        writer.append(UInt8(ascii: "\n"))
        return APIResponse(status: 200, contentType: contentType, body: .bytes(writer.array()))
    }

    /// Metadata alone; unlike the items of other lists, each says its kind.
    private func metadataList(_ list: ListAnswer) throws(APIError) -> APIResponse {
        var writer = ByteWriter(capacity: Self.chunkBytes)
        writer.beginJSONList(
            apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadataList", list.metadata)
        var isFirst = true
        try list.forEachObject { object throws(APIError) in
            if !isFirst { writer.append(UInt8(ascii: ",")) }
            isFirst = false
            ObjectCodec.encode(PartialMetadata.of(try object.tree()), .json, into: &writer)
        }
        writer.endJSONList()
        writer.append(UInt8(ascii: "\n"))
        return APIResponse(status: 200, contentType: contentType, body: .bytes(writer.array()))
    }

    /// The list as one tree, of whole objects or of their metadata.
    private func wholeList(_ list: ListAnswer) throws(APIError) -> Message {
        var items: [Value] = []
        let isMetadata = form.shape == .metadata
        try list.forEachObject { object throws(APIError) in
            let tree = try object.tree()
            items.append(.message(isMetadata ? PartialMetadata.of(tree) : tree))
        }
        let type = isMetadata
            ? MetaV1.PartialObjectMetadataList.messageType : Schema.messageType("\(list.type.name)List")
        var whole = Message(type)
        whole["metadata"] = .message(MetaV1.ListMeta(list).tree)
        whole["items"] = .list(items)
        return whole
    }
}

extension ListAnswer {
    var metadata: ListMetadata {
        ListMetadata(
            resourceVersion: revision.number, continue: continueToken ?? "",
            remainingItemCount: remainingCount.map(Int64.init))
    }
}

extension MetaV1.ListMeta {
    init(_ list: ListAnswer) {
        self.init()
        resourceVersion = "\(list.revision)"
        `continue` = list.continueToken ?? ""
        remainingItemCount = list.remainingCount
    }
}

/// Objects without all but their metadata.
enum PartialMetadata {
    static func of(_ tree: Message) -> Message {
        MetaV1.PartialObjectMetadata { $0.metadata = tree.metadata }.tree
    }
}
