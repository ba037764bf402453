import Kubernetes
import Testing
import Wire

@Suite("Whatever is sent")
struct RobustnessTests {
    @Test("is read as a value or refused, never a trap", arguments: 0..<8)
    func texts(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0019.-+eEikmnuGMPT:Zhsµ =!<>(),inot/~\\\"a\u{0}")
        for _ in 0..<2000 {
            let text = String((0..<Int.random(in: 0...24, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? "0"
            })
            read(text)
        }
    }

    private func read(_ text: String) {
        if case .success(let quantity) = Result(catching: { try Quantity(parsing: text) }) {
            #expect((quantity + quantity).compare(quantity) == quantity.sign, "\(text)")
            _ = (quantity.units, quantity.milliunits)
        }
        _ = Result { try Timestamp(parsing: text) }
        _ = Result { try Timestamp(parsingMicro: text) }
        _ = Result { try GoDuration(parsing: text).text }
        if case .success(let selector) = Result(catching: { try LabelSelector(parsing: text) }) {
            #expect((try? LabelSelector(parsing: selector.description)) == selector, "\(text)")
        }
        if case .success(let selector) = Result(catching: { try FieldSelector(parsing: text) }) {
            #expect((try? FieldSelector(parsing: selector.description)) == selector, "\(text)")
        }
    }

    @Test("is written as a time, whatever the number", arguments: [
        Int64.min, .max, -1, 0, -62_135_596_801, 253_402_300_800,
    ])
    func times(seconds: Int64) {
        #expect(Timestamp(seconds: seconds, nanoseconds: .min).rfc3339Micro.hasSuffix(".000000Z"))
        #expect(Timestamp(seconds: seconds, nanoseconds: .max).rfc3339Micro.hasSuffix(".999999Z"))
    }

    @Test("patches something or nothing, never traps", arguments: 0..<8)
    func patches(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let object = value(3, &random)
            let patch = value(4, &random)
            var issues: [String] = []
            for kind in ObjectPatch.Kind.allCases {
                guard case .success(let patch) = Result(catching: {
                    try ObjectPatch(kind, patch.json, issues: &issues)
                }) else { continue }
                apply(patch, to: object)
            }
        }
    }

    private func apply(_ patch: ObjectPatch, to object: Value) {
        switch patch {
        case .json(let patch): _ = Result { try patch.apply(to: object) }
        case .merge(let patch): _ = patch.apply(to: object)
        case .strategic(let patch):
            _ = Result { try patch.apply(to: object, CoreV1.PodSpec.messageType) }
        }
    }

    private static let keys = [
        "containers", "env", "name", "value", "volumes", "$patch", "$retainKeys", "nodeSelector",
        "$setElementOrder/containers", "$deleteFromPrimitiveList/containers", "op", "path", "from",
        "finalizers", "$setElementOrder", "securityContext", "x",
    ]

    private static let texts = [
        "delete", "replace", "merge", "a", "b", "add", "remove", "move", "copy", "test",
        "/containers/0", "/containers/-", "/x~1y/-1", "", "/",
    ]

    private func value(_ depth: Int, _ random: inout SeededGenerator) -> Value {
        let count = depth == 0 ? 0 : Int.random(in: 0...3, using: &random)
        switch Int.random(in: depth == 0 ? 4...7 : 0...7, using: &random) {
        case 0...1: return .list((0..<count).map { _ in value(depth - 1, &random) })
        case 2...4:
            return .map(ValueMap((0..<count).map { _ in
                (Self.keys.randomElement(using: &random) ?? "x", value(depth - 1, &random))
            }))
        case 5: return .null
        case 6: return .int(Int64.random(in: 0...1, using: &random))
        default: return .string(Self.texts.randomElement(using: &random) ?? "")
        }
    }
}
