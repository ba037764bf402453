import Wire

/// A body of a request. What is read at all is written the same after it was written and read
/// again, and its stored bytes become the JSON that the tree becomes.
///
/// The objects themselves may differ: JSON within JSON is kept as it came and written escaped, and
/// a quantity that is not there is written as 0, both as Go does it.
func feedObject(_ input: [UInt8], _ mediaType: MediaType) {
    if mediaType != .protobuf { _ = try? Documents.split(input) }
    guard let read = try? ObjectCodec.decode(input, mediaType) else { return }
    let written = ObjectCodec.encode(read.object, mediaType, apiVersion: read.apiVersion)
    guard written.count <= Bounds.objectBytesMax else { return }
    guard let again = try? ObjectCodec.decode(written, mediaType) else {
        fatalError("what was written is refused")
    }
    let rewritten = ObjectCodec.encode(again.object, mediaType, apiVersion: again.apiVersion)
    promise(rewritten == written, "written and read again it is another object")
    guard let json = transcoded(ObjectCodec.bytes(read.object), read.object.type) else { return }
    promise(json == ObjectCodec.encode(read.object, .json), "stored bytes become another JSON")
}

/// Bytes of a message without an envelope. The first two choose its type.
func feedStored(_ input: [UInt8]) {
    guard input.count >= 2 else { return }
    let types = Schema.messageTypes
    let type = types[(Int(input[0]) << 8 | Int(input[1])) % types.count]
    let bytes = Array(input[2...])
    _ = transcoded(bytes, type)
    _ = try? ObjectHeader(bytes)
    _ = Inspection.read(bytes, 0..<bytes.count, as: type)
    var writer = ByteWriter()
    _ = try? bytes.withRawSpan { (span) throws(ProtobufError) in
        try writer.appendListItem(span, resourceVersion: 7)
    }
    guard type.form == .fields, let read = try? ObjectCodec.message(bytes, as: type) else { return }
    // As bytes: a number that is none is not equal to itself.
    let written = ObjectCodec.bytes(read)
    let again = (try? ObjectCodec.message(written, as: type)).map(ObjectCodec.bytes)
    promise(again == written, "written and read again it is another message")
}

private func transcoded(_ bytes: [UInt8], _ type: MessageType) -> [UInt8]? {
    var writer = ByteWriter()
    var transcoder = Transcoder()
    let done: Void? = try? bytes.withRawSpan { (span) throws(ProtobufError) in
        try transcoder.transcode(protobuf: span, as: type, resourceVersion: nil, into: &writer)
    }
    return done == nil ? nil : writer.array()
}
