import Store
import StoreBenchmark

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Measures a store, or writes to one until it is killed:
///
///     martlet-store-bench figures DIRECTORY [KEYS [PART]]
///     martlet-store-bench open DIRECTORY
///     martlet-store-bench write DIRECTORY FIRST
@main
struct Main {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("figures", 2...4):
            let keys = arguments.count > 2 ? Int(arguments[2]) : 1_000_000
            guard let keys else { usage() }
            try await StoreBenchmark(directory: arguments[1], keyCount: keys)
                .run(part(arguments.dropFirst(3).first), show)
        case ("open", 2):
            try StoreBenchmark(directory: arguments[1]).open(show)
        case ("write", 3):
            guard let first = Int(arguments[2]) else { usage() }
            try await AcknowledgedWrites(directory: arguments[1], first: first).run()
        default:
            usage()
        }
    }

    /// Nil for all.
    private static func part(_ name: String?) -> StoreBenchmark.Part? {
        guard let name else { return nil }
        guard let part = StoreBenchmark.Part(rawValue: name) else { usage() }
        return part
    }

    private static func usage() -> Never {
        let parts = StoreBenchmark.Part.allCases.map(\.rawValue).joined(separator: ", ")
        print(
            """
            usage: martlet-store-bench figures DIRECTORY [KEYS [PART]]
                   martlet-store-bench open DIRECTORY
                   martlet-store-bench write DIRECTORY FIRST
            PART is one of: \(parts)
            """)
        exit(64)
    }

    @Sendable private static func show(_ figure: StoreBenchmark.Figure) {
        let hundredths = Int((figure.value.magnitude * 100).rounded())
        let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        let sign = figure.value < 0 ? "-" : ""
        print("\(figure.name): \(sign)\(whole).\(rest / 10)\(rest % 10) \(figure.unit)")
        // Somebody at the other end of a pipe may be taking the time.
        fflush(nil)
    }
}

/// Puts ever larger numbers and tells which were acknowledged, a line "NUMBER REVISION" for each,
/// until it is killed. Key `k` followed by NUMBER modulo 500 holds the number, and padding.
struct AcknowledgedWrites {
    let directory: String
    let first: Int

    private static let keys = 500
    private static let clients = 16
    private static let compactionInterval = 400

    func run() async throws {
        var options = StoreOptions()
        options.onFatalError = { _ in exit(74) }
        let store = try Store.open(directory: directory, options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<Self.clients {
                group.addTask { try await putNumbers(into: store, from: first + client) }
            }
            try await group.waitForAll()
        }
    }

    private func putNumbers(into store: Store, from first: Int) async throws {
        for number in stride(from: first, to: .max, by: Self.clients) {
            let padding = String(repeating: ".", count: number % 3000)
            let revision = try await store.put(
                Array("k\(number % Self.keys)".utf8), Array("\(number) \(padding)".utf8))
            say("\(number) \(revision)\n")
            if number % Self.compactionInterval == 0 {
                // Another client may have compacted at a later revision just now.
                do throws(StoreError) { try await store.compact(at: revision) } catch .compacted {}
            }
        }
    }

    private func say(_ line: String) {
        var line = line
        // A line goes to the pipe whole, as it is shorter than what a pipe takes at once.
        let count = line.withUTF8 { unsafe write(1, $0.baseAddress, $0.count) }
        if count < 0 { exit(74) }
    }
}
