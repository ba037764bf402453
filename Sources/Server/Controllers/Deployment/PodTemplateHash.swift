import Kubernetes
import Wire

/// Names the replica set of a template: equal templates have equal hashes, on every run.
enum PodTemplateHash {
    static let label = "pod-template-hash"
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")

    /// - Parameter collisionCount: Changes the hash after another template was found to have it.
    static func of(_ template: CoreV1.PodTemplateSpec, collisionCount: Int?) -> String {
        var hash = StableHash()
        hash.add(.message(template.tree))
        if let collisionCount { hash.add(.int(Int64(collisionCount))) }
        return String(String(hash.value).utf8.map { alphabet[Int($0) % alphabet.count] })
    }
}

/// FNV-1a over a tree, in 32 bits.
private struct StableHash {
    private(set) var value: UInt32 = 2_166_136_261

    mutating func add(_ value: Value) {
        switch value {
        case .null: add(byte: 0)
        case .bool(let bool): add(byte: bool ? 2 : 1)
        case .int(let int): add(number: 3, UInt64(bitPattern: int))
        case .double(let double): add(number: 4, double.bitPattern)
        case .string(let string): add(bytes: 5, string.utf8)
        case .bytes(let bytes): add(bytes: 6, bytes)
        case .timestamp(let time):
            add(number: 7, UInt64(bitPattern: time.seconds))
            add(number: 7, UInt64(time.nanoseconds))
        case .message(let message):
            add(byte: 8)
            for (number, value) in message.contents {
                add(number: 8, UInt64(number))
                add(value)
            }
        case .list(let list):
            add(number: 9, UInt64(list.count))
            for element in list { add(element) }
        case .map(let map):
            add(number: 10, UInt64(map.count))
            for entry in map.entries {
                add(bytes: 10, entry.key.utf8)
                add(entry.value)
            }
        }
    }

    private mutating func add(bytes tag: UInt8, _ bytes: some Collection<UInt8>) {
        add(number: tag, UInt64(bytes.count))
        for byte in bytes { add(byte: byte) }
    }

    private mutating func add(number tag: UInt8, _ number: UInt64) {
        add(byte: tag)
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            add(byte: UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    private mutating func add(byte: UInt8) {
        value = (value ^ UInt32(byte)) &* 16_777_619
    }
}
