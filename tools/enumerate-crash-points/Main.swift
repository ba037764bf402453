import CrashPoints
import Store
import StoreCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Cuts traces of a store's disk calls everywhere; tools/crash-points says how to call it.
@main
struct Main {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.prefix(3).map { Int($0) }
        guard arguments.count <= 4, !numbers.contains(nil) else {
            print("usage: enumerate-crash-points [OPERATIONS [SEED [EVERY [CURRENT]]]]")
            exit(64)
        }
        let given = numbers.compactMap { $0 } + [500, 1, 1].dropFirst(numbers.count)
        let (operations, seed, every) = (given[0], UInt64(given[1]), given[2])
        let current = arguments.count == 4 ? try Current(arguments.last ?? "") : nil
        let progress: @Sendable (String) -> Void = { current?.note($0) }
        let trace = try await CrashTrace.record(operations: operations, seed: seed)
        var alone = try CrashEnumeration(
            trace.steps, CrashedStore(trace, seed: seed), every: every, seed: seed,
            progress: progress)
        try await alone.run()
        show("seed \(seed): one member, \(operations) operations", alone.figures, "cut in turn")
        let following = try await MemberTrace.record(seed: seed)
        var member = try CrashEnumeration(
            following.steps, CrashedMember(following), every: every, seed: seed,
            progress: progress)
        try await member.run()
        show("seed \(seed): a member that gets a snapshot", member.figures, "among all members")
        exit(alone.figures.problems.isEmpty && member.figures.problems.isEmpty ? 0 : 1)
    }

    private static func show(_ what: String, _ figures: CrashFigures, _ deep: String) {
        print(
            """
            \(what): \(figures.calls) calls, \(figures.cuts) cuts, \(figures.restarts) restarts \
            (\(figures.restartsDeep) \(deep)), \(figures.problems.count) wrong
            """)
        for problem in figures.problems.prefix(20) { print("  " + problem) }
        fflush(nil)
    }
}

/// Where it is, in a file, for when the program traps.
private struct Current {
    private let disk = PosixDisk()
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = try disk.create(path, bytes: 0, isWritten: false)
    }

    func note(_ cut: String) {
        let line = Array("\(cut)".utf8) + [UInt8](repeating: 32, count: max(0, 99 - cut.utf8.count))
        // Without it only the place of a trap is not known.
        do throws(StoreError) { try disk.write((line + [10]).raw, to: descriptor, at: 0) } catch {}
    }
}
