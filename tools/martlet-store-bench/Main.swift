import StoreBenchmark

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Prints figures of a store:
///
///     martlet-store-bench DIRECTORY [KEYS]
@main
struct Main {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let directory = arguments.first else {
            print("usage: martlet-store-bench DIRECTORY [KEYS]")
            exit(64)
        }
        let keys = arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
        try await StoreBenchmark(directory: directory, keyCount: keys).run { figure in
            let tenths = Int((figure.value * 10).rounded())
            print("\(figure.name): \(tenths / 10).\(tenths % 10) \(figure.unit)")
        }
    }
}
