import Glibc
import Testing

/// An example: what goes in and what is expected, as it stands in a file beside the tests.
struct Case: Sendable, CustomTestStringConvertible {
    let title: String
    /// Lines end with CR LF; `\n`, `\r` and `\0` stand for single bytes.
    let input: [UInt8]
    let expected: String

    var testDescription: String { title }

    /// The cases of `Cases/<name>.txt`: each begins with `# title`, has its input up to `----`, and
    /// what is expected up to the next title.
    static func load(_ name: String) throws -> [Case] {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let text = try readFile("/\(folder)/Cases/\(name).txt")
        var cases: [Case] = []
        for block in text.split(separator: "\n# ") {
            var lines = block.split(separator: "\n", omittingEmptySubsequences: false)
            let title = lines.removeFirst()
            guard let middle = lines.firstIndex(of: "----") else {
                throw BadCase(title: "\(title)")
            }
            let expected = lines[(middle + 1)...].filter { !$0.isEmpty }
            cases.append(Case(
                title: title.hasPrefix("# ") ? String(title.dropFirst(2)) : String(title),
                input: lines[..<middle].flatMap { unescaped($0) + [13, 10] },
                expected: expected.map { $0 + "\n" }.joined()))
        }
        return cases
    }

    private struct BadCase: Error { let title: String }
    private struct NoFile: Error { let path: String }

    private static func unescaped(_ line: Substring) -> [UInt8] {
        var output: [UInt8] = []
        var rest = Array(line.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                output.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "n"): output.append(10)
            case UInt8(ascii: "r"): output.append(13)
            default: output.append(0)
            }
        }
        return output
    }

    private static func readFile(_ path: String) throws -> String {
        guard let file = unsafe fopen(path, "r") else { throw NoFile(path: path) }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe fread(&piece, 1, piece.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<count]
        }
    }
}

/// Random numbers that come again from the same seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Seeds for a test that makes `inputsPerSeed` inputs of each; `MARTLET_FUZZ_INPUTS` says how many
/// inputs there are to be.
func fuzzSeeds(inputsPerSeed: UInt64, inputs: UInt64) -> Range<UInt64> {
    let told = unsafe getenv("MARTLET_FUZZ_INPUTS").flatMap { unsafe UInt64(String(cString: $0)) }
    return 0..<max(1, (told ?? inputs) / inputsPerSeed)
}
