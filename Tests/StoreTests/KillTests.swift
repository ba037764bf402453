import Store
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A process that writes numbers to a store, and says which were acknowledged.
private struct WritingProcess {
    let process: pid_t
    let output: Int32

    /// The tool, which the build puts beside the tests.
    static var tool: String {
        var bytes = [CChar](repeating: 0, count: 4096)
        // Reads at most the array's length less the zero at its end.
        let count = unsafe bytes.withUnsafeMutableBufferPointer { buffer -> Int in
            guard let start = buffer.baseAddress else { return 0 }
            return unsafe readlink("/proc/self/exe", start, buffer.count - 1)
        }
        let path = String(decoding: bytes.prefix(max(0, count)).map(UInt8.init), as: UTF8.self)
        let directory = path.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(directory)/martlet-store-bench"
    }

    init(_ directory: String, from first: Int) throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        unsafe posix_spawn_file_actions_addclose(&actions, ends[0])
        let words = [Self.tool, "write", directory, "\(first)"]
        // The copies live until the process has been made.
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var process = pid_t()
        let code = unsafe posix_spawn(&process, Self.tool, &actions, nil, &arguments, environ)
        close(ends[1])
        (self.process, output) = (process, ends[0])
        try #require(code == 0, "\(Self.tool) cannot be run")
    }

    /// Reads what it says, kills it after `bytes` bytes, and reads the rest: every whole line.
    func killed(after bytes: Int) -> [(number: Int, revision: Int)] {
        var text: [UInt8] = []
        var isKilled = false
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            // Reads at most the array's own length into it.
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe read(output, $0.baseAddress, $0.count)
            }
            guard count > 0 else { break }
            text += chunk[..<count]
            if text.count >= bytes && !isKilled {
                kill(process, SIGKILL)
                isKilled = true
            }
        }
        close(output)
        var status: Int32 = 0
        unsafe waitpid(process, &status, 0)
        let whole = text[..<(text.lastIndex(of: 10) ?? 0)]
        return whole.split(separator: 10).compactMap { line in
            let words = line.split(separator: 32).compactMap {
                Int(String(decoding: $0, as: UTF8.self))
            }
            return words.count == 2 ? (words[0], words[1]) : nil
        }
    }
}

@Suite("A process that is killed")
struct KillTests {
    /// Set MARTLET_CRASH_ROUNDS for more.
    static var rounds: Int {
        guard let value = unsafe getenv("MARTLET_CRASH_ROUNDS") else { return 20 }
        return unsafe Int(String(cString: value)) ?? 20
    }

    @Test func losesNothingThatItHasAcknowledged() throws {
        let scratch = try Scratch()
        var acknowledged: [Int: (number: Int, revision: Int)] = [:]
        var next = 0
        var newest = 0
        var generator = SystemRandomNumberGenerator()
        for round in 1...Self.rounds {
            let writing = try WritingProcess(scratch.path, from: next)
            let bytes = Int.random(in: 1...30_000, using: &generator)
            for line in writing.killed(after: bytes) {
                let key = line.number % 500
                if line.number >= acknowledged[key]?.number ?? 0 { acknowledged[key] = line }
                newest = max(newest, line.revision)
                next = max(next, line.number)
            }
            // Beyond what may have been proposed and not acknowledged.
            next = (next / 500 + 1) * 500
            try check(scratch, acknowledged, newest: newest, round: round)
        }
    }

    private func check(
        _ scratch: Scratch, _ acknowledged: [Int: (number: Int, revision: Int)], newest: Int,
        round: Int
    ) throws {
        let store = try Store.open(directory: scratch.path)
        defer { store.close() }
        #expect(store.revision.number >= Int64(newest), "round \(round)")
        for (key, line) in acknowledged {
            guard let entry = try store.get(.text("k\(key)")) else {
                Issue.record("round \(round): k\(key) is lost")
                continue
            }
            let words = entry.text.split(separator: " ", omittingEmptySubsequences: false)
            let number = words.first.flatMap { Int($0) }
            #expect((number ?? -1) >= line.number, "round \(round): k\(key) is older")
            #expect(words.last?.count == (number ?? 0) % 3000, "round \(round): k\(key) is cut")
            #expect(entry.modRevision.number >= Int64(line.revision))
        }
    }
}
