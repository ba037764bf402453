import Foundation
import Testing
import Wire

/// Inputs that were well before a seed spoiled them. `MARTLET_FUZZ_INPUTS` says how many.
@Suite("Damaged input is refused or read, and never traps")
struct MutationTests {
    static let seeds: Range<UInt64> = {
        let inputs = ProcessInfo.processInfo.environment["MARTLET_FUZZ_INPUTS"].flatMap(UInt64.init)
        return 0..<max(1, (inputs ?? 20_000) / inputsPerSeed)
    }()
    /// A third each of protobuf, JSON and YAML.
    static let inputsPerSeed: UInt64 = 300

    @Test("in protobuf, JSON and YAML", arguments: seeds)
    func mutated(seed: UInt64) throws {
        var random = RandomObject(seed: seed &* 0x9E37_79B9)
        for _ in 0..<Self.inputsPerSeed / 3 {
            let type = RandomObjectTests.kinds.randomElement(using: &random.random)!
            let object = random.object(type)
            for mediaType in MediaType.allCases {
                let input = mutate(ObjectCodec.encode(object, mediaType), &random.random)
                try check(input, mediaType, type, "seed \(seed): \(mediaType) \(input)")
            }
            let stored = mutate(ObjectCodec.bytes(object), &random.random)
            checkStored(stored, type)
        }
    }

    /// What is read at all is written the same after it was written and read again. The object may
    /// differ: JSON within JSON is written escaped, and a quantity that is not there as 0.
    private func check(
        _ input: [UInt8], _ mediaType: MediaType, _ type: MessageType, _ place: Comment
    ) throws {
        guard let read = try? ObjectCodec.decode(input, mediaType, default: type) else { return }
        let written = ObjectCodec.encode(read.object, mediaType, apiVersion: read.apiVersion)
        guard written.count <= Bounds.objectBytesMax else { return }
        let again = try ObjectCodec.decode(written, mediaType, default: type)
        let rewritten = ObjectCodec.encode(again.object, mediaType, apiVersion: again.apiVersion)
        try #require(rewritten == written, place)
        guard let json = try? transcoded(read.object, version: nil) else { return }
        try #require(json == text(ObjectCodec.encode(read.object, .json)), place)
    }

    /// Readers of stored bytes only have to come back.
    private func checkStored(_ bytes: [UInt8], _ type: MessageType) {
        _ = try? transcoded(bytes, type, version: 5)
        _ = try? ObjectHeader(bytes)
        _ = Inspection.read(bytes, 0..<bytes.count, as: type)
        var writer = ByteWriter()
        _ = try? bytes.withRawSpan { (span) throws(ProtobufError) in
            try writer.appendListItem(span, resourceVersion: 7)
        }
    }

    private func mutate(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let index = bytes.indices.randomElement(using: &random)!
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.removeSubrange(index...)
            case 3: bytes.remove(at: index)
            case 4:
                let word = Self.words.randomElement(using: &random)!
                bytes.insert(contentsOf: word.utf8, at: index)
            case 5:
                let end = min(bytes.count, index + Int.random(in: 1...40, using: &random))
                bytes.insert(contentsOf: bytes[index..<end], at: index)
            default:
                bytes.insert(contentsOf: [UInt8](repeating: 0xff, count: 9), at: index)
            }
        }
        return bytes
    }

    private static let words = [
        "{", "}", "[", "]", "\"", "\\u", "\\ud800", ":", ",", "null", "true", "1e999", "-0", "- ",
        "&a ", "*a", "<<: ", "!!binary ", "? ", "| ", "\n", "\n  ", "\t", "%", "---\n", "\u{0}",
        "é", "{{{{{{{{", "[[[[[[[[", "\u{8}\u{0}", "k8s\u{0}",
    ]
}
