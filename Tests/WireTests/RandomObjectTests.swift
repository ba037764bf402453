import CSchema
import Testing
import Wire

/// 661 types, each with several objects that a seed makes.
@Suite("Any object of any type")
struct RandomObjectTests {
    static let types = Schema.messageTypes.filter { $0.form == .fields }
    /// Without runtime.Unknown, which is of no version.
    static let kinds = types.filter { $0.isKind && !$0.version.isEmpty }

    @Test("is the same after a way through protobuf, which protobuf-c reads and writes alike",
        arguments: UInt64(0)..<8)
    func protobuf(seed: UInt64) throws {
        for (index, type) in Self.types.enumerated() {
            var random = RandomObject(seed: seed << 32 | UInt64(index))
            let object = random.object(type)
            let bytes = ObjectCodec.bytes(object)
            let read = try ObjectCodec.message(bytes, as: type)
            try #require(read == object, "seed \(seed), \(type.name)")
            try #require(repacked(bytes, type) == bytes, "seed \(seed), \(type.name)")
        }
    }

    @Test("is the same after a way through JSON, which the transcoder writes alike",
        arguments: UInt64(0)..<8)
    func json(seed: UInt64) throws {
        for (index, type) in Self.kinds.enumerated() {
            var random = RandomObject(seed: seed << 32 | UInt64(index))
            let object = random.object(type)
            let json = ObjectCodec.encode(object, .json)
            let read = try ObjectCodec.decode(json, .json, default: type)
            try #require(read.object == object, "seed \(seed), \(type.name)")
            try #require(read.issues == [])
            let transcoded = try transcoded(ObjectCodec.bytes(object), type, version: nil)
            try #require(transcoded == text(json), "seed \(seed), \(type.name)")
        }
    }

    @Test("is the same after a way through YAML", arguments: UInt64(0)..<4)
    func yaml(seed: UInt64) throws {
        for (index, type) in Self.kinds.enumerated() {
            var random = RandomObject(seed: seed << 32 | UInt64(index))
            let object = random.object(type)
            let yaml = ObjectCodec.encode(object, .yaml)
            let read = try ObjectCodec.decode(yaml, .yaml, default: type)
            try #require(read.object == object, "seed \(seed), \(type.name): \(text(yaml))")
        }
    }

    /// The bytes as protobuf-c unpacks and packs them, or nil if it does not take them.
    private func repacked(_ bytes: [UInt8], _ type: MessageType) -> [UInt8]? {
        guard let row = unsafe (0..<martlet_message_count).lazy.compactMap({
            unsafe martlet_message_at($0)
        }).first(where: { unsafe String(cString: $0.pointee.descriptor.pointee.name) == type.name })
        else { return nil }
        let descriptor = unsafe row.pointee.descriptor
        guard let message = unsafe protobuf_c_message_unpack(descriptor, nil, bytes.count, bytes)
        else { return nil }
        defer { unsafe protobuf_c_message_free_unpacked(message, nil) }
        let size = unsafe protobuf_c_message_get_packed_size(message)
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = size == 0 ? 0 : unsafe protobuf_c_message_pack(message, buffer.baseAddress)
        }
    }
}
