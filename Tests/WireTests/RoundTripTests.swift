import Testing
import Wire

@Suite("An object of every kind, between JSON, YAML and protobuf",
    .enabled(if: Fixture.areThere, "../shared/kubernetes/roundtrip is not here"))
struct RoundTripTests {
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

    private func read(_ fixture: Fixture, _ suffix: String, _ mediaType: MediaType) throws
        -> DecodedObject
    {
        let read = try ObjectCodec.decode(
            try fixture.bytes(suffix), mediaType, default: fixture.defaultType)
        #expect(read.issues == [])
        return read
    }
}
