import Kubernetes
import Testing
import Wire

@Suite("A text in the middle of stored bytes")
struct TextAtPathTests {
    private let pod = ObjectCodec.bytes(CoreV1.Pod {
        $0.metadata.name = "p"
        $0.spec.nodeName = "n1"
        $0.status.phase = "Running"
    }.tree)

    private func text(_ path: [Int], _ bytes: [UInt8]) throws -> String? {
        try bytes.withRawSpan { try ObjectCodec.text(at: path, of: $0) }
    }

    @Test("is found by the numbers on the way", arguments: [
        ([2, 10], "n1"), ([1, 1], "p"), ([3, 1], "Running"), ([2, 9], nil), ([7, 1], nil),
        ([1, 3], nil),
    ] as [([Int], String?)])
    func found(path: [Int], expected: String?) throws {
        #expect(try text(path, pod) == expected)
    }

    @Test("no cut of the bytes traps", arguments: 0..<20)
    func cuts(count: Int) {
        do { #expect(["n1", nil].contains(try text([2, 10], Array(pod.prefix(count))))) } catch {
            #expect(error is ProtobufError)
        }
    }
}
