import Testing
import Wire

@Suite("An object of every kind, between JSON, YAML and protobuf",
    .enabled(if: Fixture.areThere, "../shared/kubernetes/roundtrip is not here"))
struct RoundTripTests {
    @Test("are 91 kinds in three encodings")
    func count() throws {
        #expect(Fixture.all.count == 91)
        for fixture in Fixture.all {
            for suffix in ["json", "yaml", "pb"] { #expect(!(try fixture.bytes(suffix)).isEmpty) }
        }
    }

    @Test("from protobuf to protobuf, byte for byte", arguments: Fixture.all)
    func protobufToProtobuf(_ fixture: Fixture) throws {
        let read = try read(fixture, "pb", .protobuf)
        #expect(ObjectCodec.encode(read.object, .protobuf) == (try fixture.bytes("pb")))
    }

    @Test("from JSON to protobuf, byte for byte", arguments: Fixture.all)
    func jsonToProtobuf(_ fixture: Fixture) throws {
        let read = try read(fixture, "json", .json)
        #expect(ObjectCodec.encode(read.object, .protobuf) == (try fixture.bytes("pb")))
    }

    @Test("from protobuf to JSON, character for character", arguments: Fixture.all)
    func protobufToJSON(_ fixture: Fixture) throws {
        let read = try read(fixture, "pb", .protobuf)
        let json = ObjectCodec.encode(read.object, .json, isPretty: true)
        #expect(text(json) == text(try fixture.bytes("json")))
    }

    @Test("from YAML to protobuf, byte for byte", arguments: Fixture.all)
    func yamlToProtobuf(_ fixture: Fixture) throws {
        let read = try read(fixture, "yaml", .yaml)
        #expect(ObjectCodec.encode(read.object, .protobuf) == (try fixture.bytes("pb")))
    }

    @Test("from protobuf to YAML, character for character", arguments: Fixture.all)
    func protobufToYAML(_ fixture: Fixture) throws {
        let read = try read(fixture, "pb", .protobuf)
        let yaml = ObjectCodec.encode(read.object, .yaml)
        #expect(text(yaml) == text(try fixture.bytes("yaml")))
    }

    @Test("from JSON to YAML and back, character for character", arguments: Fixture.all)
    func jsonAndYAML(_ fixture: Fixture) throws {
        let json = try read(fixture, "json", .json)
        #expect(text(ObjectCodec.encode(json.object, .yaml)) == text(try fixture.bytes("yaml")))
        let yaml = try read(fixture, "yaml", .yaml)
        let written = ObjectCodec.encode(yaml.object, .json, isPretty: true)
        #expect(text(written) == text(try fixture.bytes("json")))
    }

    private func read(_ fixture: Fixture, _ suffix: String, _ mediaType: MediaType) throws
        -> DecodedObject
    {
        let read = try ObjectCodec.decode(
            try fixture.bytes(suffix), mediaType, default: fixture.defaultType)
        #expect(read.issues == [])
        return read
    }
}
