import Testing
import Wire

@Suite("What is said of input that is not as it should be")
struct StrictnessTests {
    @Test("in Kubernetes' words", arguments: try Case.load("strictness"))
    func words(_ example: Case) throws {
        let type = Schema.messageType(try #require(example.lines("type").first))
        let header = example.lines("media").first ?? "application/json"
        let media = try #require(MediaType(header: header))
        let body = example.given.filter { !$0.hasPrefix("type ") && !$0.hasPrefix("media ") }
            .joined(separator: "\n").replacing("<tab>", with: "\t")
        #expect(said(of: body, media, type) == example.expected)
    }

    private func said(of body: String, _ media: MediaType, _ type: MessageType) -> [String] {
        do {
            let read = try ObjectCodec.decode(Array(body.utf8), media, default: type)
            let json = text(ObjectCodec.encode(read.object, .json))
            return read.issues.flatMap { $0.split(separator: "\n").map(String.init) } + [json]
        } catch {
            switch error {
            case .unrecognized(let text): return ["unrecognized: \(text)"]
            case .unknownKind(let version, let kind): return ["no kind \(kind) in \(version)"]
            case .malformed(let text, _, _): return ["malformed: \(text)"]
            case .tooBig: return ["too big"]
            }
        }
    }

    @Test("protobuf: where and what", arguments: [
        ([0x0a, 0x05, 0x01], "byte 1 in metadata: unexpected end"),
        ([0x08, 0x01], "byte 1 in metadata: wire type 0 does not fit the field"),
        ([0x0a, 0x03, 0x0a, 0x01, 0xff], "byte 4 in metadata.name: a string is not UTF-8"),
        ([0x0a] + [UInt8](repeating: 0xff, count: 11),
            "byte 1 in metadata: a varint is longer than 64 bits"),
        ([0x00, 0x00], "byte 0: a field has a number that is not allowed"),
    ] as [([UInt8], String)])
    func protobuf(_ bytes: [UInt8], _ words: String) {
        let pod = Schema.messageType("kubernetes.core.v1.Pod")
        let error = #expect(throws: ProtobufError.self) {
            try ObjectCodec.message(bytes, as: pod)
        }
        #expect(error?.description == "invalid protobuf at \(words)")
    }

    @Test("depth and size are bounded in every encoding")
    func bounds() throws {
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(throws: JSONError.tooDeep(offset: 100)) { try Value(json: Array(deep.utf8)) }
        let type = Schema.messageType("kubernetes.core.v1.ConfigMap")
        #expect(throws: DecodeError.unrecognized("yaml: line 1: exceeded max depth")) {
            try ObjectCodec.decode(Array(deep.utf8), .yaml, default: type)
        }
        for media in MediaType.allCases {
            let bytes = [UInt8](repeating: 0x20, count: Bounds.objectBytesMax + 1)
            #expect(throws: DecodeError.tooBig) {
                try ObjectCodec.decode(bytes, media, default: type)
            }
        }
    }

    @Test("aliases expand to no more than a document may hold")
    func aliases() throws {
        var yaml = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (name, before) in zip("bcdefghi", "abcdefgh") {
            yaml += "\(name): &\(name) [" + Array(repeating: "*\(before)", count: 10)
                .joined(separator: ", ") + "]\n"
        }
        let type = Schema.messageType("kubernetes.core.v1.ConfigMap")
        #expect(throws: DecodeError.unrecognized("yaml: document contains excessive aliasing")) {
            try ObjectCodec.decode(Array(yaml.utf8), .yaml, default: type)
        }
    }

    @Test("fields may be said again only so often")
    func returns() throws {
        let type = Schema.messageType("kubernetes.core.v1.ConfigMap")
        let json = "{" + Array(repeating: #""data":{"a":"1"}"#, count: 2000)
            .joined(separator: ",") + "}"
        #expect(throws: DecodeError.malformed(
            "too many repeated fields", apiVersion: "v1", kind: "ConfigMap")) {
            try ObjectCodec.decode(Array(json.utf8), .json, default: type)
        }
        let bytes = (0..<2000).flatMap { _ in [0x12, 0x00, 0x1a, 0x00] as [UInt8] }
        let error = #expect(throws: ProtobufError.self) {
            try ObjectCodec.message(bytes, as: type)
        }
        #expect(error?.reason == .tooManyReturns)
    }

    @Test("an object within an object within an object is not looked into")
    func envelopes() throws {
        let type = Schema.messageType("kubernetes.meta.v1.List")
        var bytes = ObjectCodec.encode(Message(type), .protobuf)
        for _ in 0..<1000 {
            var list = Message(type)
            list["items"] = .list([.bytes(bytes)])
            bytes = ObjectCodec.encode(list, .protobuf)
        }
        let object = try ObjectCodec.decode(bytes, .protobuf).object
        #expect(text(ObjectCodec.encode(object, .json)) == #"{"kind":"List","apiVersion":"v1","#
            + #""metadata":{},"items":[{"kind":"List","apiVersion":"v1","metadata":{},"#
            + #""items":[null]}]}"#)
    }

    @Test("a message that occurs twice is merged, and packed numbers are read")
    func merging() throws {
        let type = Schema.messageType("kubernetes.core.v1.PodSecurityContext")
        let groups = try ObjectCodec.message([0x22, 0x03, 0x01, 0x02, 0x03, 0x20, 0x04], as: type)
        #expect(text(ObjectCodec.encode(groups, .json)) == #"{"supplementalGroups":[1,2,3,4]}"#)
        let pod = Schema.messageType("kubernetes.core.v1.Pod")
        let twice: [UInt8] = [0x0a, 0x03, 0x0a, 0x01, 0x61, 0x0a, 0x03, 0x1a, 0x01, 0x62]
        let merged = try ObjectCodec.message(twice, as: pod)
        let once: [UInt8] = [0x0a, 0x06, 0x0a, 0x01, 0x61, 0x1a, 0x01, 0x62]
        #expect(merged == (try ObjectCodec.message(once, as: pod)))
    }
}
