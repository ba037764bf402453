import Testing
import Wire

@Suite("Stored bytes become answers without a tree")
struct TranscodeTests {
    let pod = Schema.messageType("kubernetes.core.v1.Pod")

    @Test("as JSON with the version they have in the store")
    func versioned() throws {
        let object = try decode(#"{"metadata":{"name":"a","uid":"u"},"spec":{"nodeName":"n<1>"}}"#)
        #expect(try transcoded(object, version: 12) == #"{"kind":"Pod","apiVersion":"v1","#
            + #""metadata":{"name":"a","uid":"u","resourceVersion":"12"},"#
            + #""spec":{"containers":null,"nodeName":"n\u003c1\u003e"},"status":{}}"#)
    }

    @Test("as JSON even if they have no metadata")
    func withoutMetadata() throws {
        let object = try decode(#"{"spec":{"containers":[]}}"#)
        #expect(try transcoded(object, version: 7).contains(#""metadata":{"resourceVersion":"7"}"#))
    }

    @Test("as items of a list without kind")
    func items() throws {
        let object = try decode(#"{"metadata":{"name":"a"}}"#)
        var writer = ByteWriter()
        var transcoder = Transcoder()
        writer.beginJSONList(apiVersion: "v1", kind: "PodList", ListMetadata(resourceVersion: 12))
        try ObjectCodec.bytes(object).withRawSpan {
            try transcoder.transcode(
                protobuf: $0, as: pod, resourceVersion: 3, withKind: false, into: &writer)
        }
        writer.endJSONList()
        #expect(text(writer.array()) == #"{"kind":"PodList","apiVersion":"v1","metadata":"#
            + #"{"resourceVersion":"12"},"items":[{"metadata":{"name":"a","resourceVersion":"3"},"#
            + #""spec":{"containers":null},"status":{}}]}"#)
    }

    @Test("a field that occurs twice takes the way through the tree")
    func repeatedMessage() throws {
        let a = try ObjectCodec.bytes(decode(#"{"spec":{"nodeName":"n"}}"#))
        let b = try ObjectCodec.bytes(decode(#"{"spec":{"hostname":"h"}}"#))
        let json = try transcoded(a + b, pod, version: nil)
        #expect(json.contains(#""nodeName":"n","hostname":"h""#))
    }

    @Test("as protobuf with the version put between the fields of the metadata", arguments: [
        #"{}"#, #"{"metadata":{"name":"a"}}"#, #"{"metadata":{"name":"a","generation":3}}"#,
        #"{"metadata":{"labels":{"a":"b"}},"spec":{"nodeName":"n"}}"#,
        #"{"spec":{"nodeName":"n"}}"#,
    ])
    func spliced(_ json: String) throws {
        var object = try decode(json)
        var writer = ByteWriter()
        try ObjectCodec.bytes(object).withRawSpan {
            try writer.appendObject($0, resourceVersion: 123_456)
        }
        object.setResourceVersion(123_456)
        #expect(writer.array() == ObjectCodec.bytes(object))
    }

    @Test("as a list in protobuf")
    func protobufList() throws {
        let bytes = ObjectCodec.bytes(try decode(#"{"metadata":{"name":"a"}}"#))
        var writer = ByteWriter()
        let metadata = ListMetadata(resourceVersion: 12, continue: "c", remainingItemCount: 5)
        let size = try bytes.withRawSpan { try ByteWriter.listItemSize($0, resourceVersion: 3) }
        writer.beginProtobufList(
            apiVersion: "v1", kind: "PodList", metadata, itemBytes: 2 * size)
        for _ in 0..<2 {
            try bytes.withRawSpan { try writer.appendListItem($0, resourceVersion: 3) }
        }
        writer.endProtobufList()
        let list = try ObjectCodec.decode(writer.array(), .protobuf)
        let json = text(ObjectCodec.encode(list.object, .json))
        #expect(json == #"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"12","#
            + #""continue":"c","remainingItemCount":5},"items":["#
            + Array(repeating: #"{"metadata":{"name":"a","resourceVersion":"3"},"#
                + #""spec":{"containers":null},"status":{}}"#, count: 2).joined(separator: ",")
            + "]}")
        #expect(ObjectCodec.encode(list.object, .protobuf) == writer.array())
    }

    @Test("as events of a watch")
    func events() throws {
        let bytes = ObjectCodec.bytes(try decode(#"{"metadata":{"name":"a"}}"#))
        var writer = ByteWriter()
        WatchFrames.appendJSON(.added, into: &writer) { $0.append("{}") }
        #expect(text(writer.array()) == #"{"type":"ADDED","object":{}}"# + "\n")
        writer.removeAll()
        try bytes.withRawSpan { (span) throws(ProtobufError) in
            try WatchFrames.appendProtobuf(.deleted, into: &writer) {
                (writer) throws(ProtobufError) in
                try writer.appendEnveloped(span, apiVersion: "v1", kind: "Pod", resourceVersion: 9)
            }
        }
        let frame = writer.array()
        #expect(Array(frame[..<4]) == [0, 0, 0, UInt8(frame.count - 4)])
        let event = try ObjectCodec.message(
            Array(frame[4...]), as: Schema.messageType("kubernetes.meta.v1.WatchEvent"))
        #expect(text(ObjectCodec.encode(event, .json)) == #"{"type":"DELETED","object":"#
            + #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"9"},"#
            + #""spec":{"containers":null},"status":{}}}"#)
    }

    @Test("and say what selectors ask without being read whole")
    func header() throws {
        let object = try decode(#"""
            {"metadata":{"name":"a","namespace":"b","uid":"u","generation":3,
            "labels":{"x":"1","w":"2"},"deletionTimestamp":"2020-01-01T00:00:00Z",
            "ownerReferences":[{"uid":"o","name":"n"}]}}
            """#)
        let header = try ObjectHeader(ObjectCodec.bytes(object))
        #expect(header.name == "a" && header.namespace == "b" && header.uid == "u")
        #expect(header.generation == 3 && header.isBeingDeleted)
        #expect(header.label("x") == "1" && header.label("w") == "2" && header.label("v") == nil)
        #expect(header.ownerUIDs == ["o"])
    }

    private func decode(_ json: String) throws -> Message {
        try ObjectCodec.decode(Array(json.utf8), .json, default: pod).object
    }
}

func transcoded(_ object: Message, version: Int64?) throws -> String {
    try transcoded(ObjectCodec.bytes(object), object.type, version: version)
}

func transcoded(_ bytes: [UInt8], _ type: MessageType, version: Int64?) throws -> String {
    var writer = ByteWriter()
    var transcoder = Transcoder()
    try bytes.withRawSpan {
        try transcoder.transcode(protobuf: $0, as: type, resourceVersion: version, into: &writer)
    }
    return text(writer.array())
}

@Suite("Stored bytes of every kind",
    .enabled(if: Fixture.areThere, "../shared/kubernetes/roundtrip is not here"))
struct TranscodeFixtureTests {
    @Test("become the JSON that the tree becomes", arguments: Fixture.all, [nil, 99])
    func transcodes(_ fixture: Fixture, version: Int64?) throws {
        var object = try ObjectCodec.decode(
            try fixture.bytes("pb"), .protobuf, default: fixture.defaultType).object
        let bytes = ObjectCodec.bytes(object)
        if let version { object.setResourceVersion(version) }
        #expect(try transcoded(bytes, object.type, version: version)
            == text(ObjectCodec.encode(object, .json)))
    }
}
