import CrashPoints
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite("A crash at any call to the disk")
struct CrashEnumerationTests {
    /// One in so many restarts is made; set MARTLET_CRASH_POINTS_EVERY to 1 for all of them.
    static var every: Int {
        guard let value = unsafe getenv("MARTLET_CRASH_POINTS_EVERY") else { return 200 }
        return unsafe Int(String(cString: value)) ?? 200
    }

    @Test func losesNothingThatWasAcknowledged() async throws {
        let trace = try await CrashTrace.record(operations: 500, seed: 1)
        var enumeration = CrashEnumeration(
            trace.steps, try CrashedStore(trace, everyCut: 20, seed: 1), every: Self.every, seed: 1)
        try await enumeration.run()
        let (figures, kinds) = (enumeration.figures, trace.kindsOfSteps)
        #expect(figures.problems == [])
        #expect(figures.restarts > 50 && figures.restartsDeep > 0)
        // All that is worth a cut has happened.
        #expect(kinds == ["segment", "spare", "checkpoint"])
    }

    @Test func takesNothingBackThatAMemberHasToldOthers() async throws {
        let trace = try await MemberTrace.record(seed: 1)
        let isInstalled = trace.isInstalled
        #expect(isInstalled)
        var enumeration = CrashEnumeration(
            trace.steps, try CrashedMember(trace, everyTogether: 10), every: Self.every / 10 + 1,
            seed: 1)
        try await enumeration.run()
        let figures = enumeration.figures
        #expect(figures.problems == [])
        #expect(figures.restartsDeep > 0)
    }

    /// Were the disk not asked to sync, or a folder, the same cuts would show it.
    @Test(arguments: [CrashTrace.Omission.sync, .syncFolder])
    func wouldBeFoundOutWithoutASync(omitted: CrashTrace.Omission) async throws {
        let trace = try await CrashTrace.record(operations: 60, seed: 3).without(omitted)
        var enumeration = CrashEnumeration(
            trace.steps, try CrashedStore(trace, everyCut: 1000, seed: 3), every: 10, seed: 3)
        try await enumeration.run()
        let problems = enumeration.figures.problems
        #expect(!problems.isEmpty)
    }
}
