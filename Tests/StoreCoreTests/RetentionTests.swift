import StoreCore
import Testing

/// What the plan is asked: segments of 24 KB that hold so many live bytes each, oldest first.
private func victim(
    live: [Int], fileBytes: Int = 24_576, newestLive: Int = 0, spareBytes: Int = 0,
    mayCopy: Bool = true, bytesMin: Int = 0, adjust: (inout SegmentUse) -> Void = { _ in }
) -> UInt32? {
    var uses: [UInt32: SegmentUse] = [:]
    for (number, bytes) in live.enumerated() {
        var use = SegmentUse(fileBytes: fileBytes)
        use.liveBytes = bytes
        use.isSealed = true
        adjust(&use)
        uses[UInt32(number + 1)] = use
    }
    let sealed = uses
    var newest = SegmentUse(fileBytes: fileBytes)
    newest.liveBytes = newestLive
    uses[UInt32(live.count + 1)] = newest
    return RetentionPlan(bytesMin: bytesMin).victim(
        among: uses, candidates: sealed, compacted: Revision(1_000), spareBytes: spareBytes,
        mayCopy: mayCopy)
}

@Suite("Which segment is given back next")
struct RetentionTests {
    @Test func theEmptiestOfALogThatIsTwiceWhatIsAlive() {
        #expect(victim(live: [12_000, 9_000, 14_000, 11_000]) == 2)
    }

    @Test func noneOfALogThatIsWithinItsBound() {
        #expect(victim(live: [20_000, 20_000, 20_000, 20_000], newestLive: 5_000) == nil)
    }

    @Test func noneIfSealedSegmentsAreFull() {
        // The newest segment and spare files alone are more than is allowed beside what is alive;
        // copying 21 KB to win three would go on for ever.
        #expect(victim(live: [21_000, 20_000], spareBytes: 49_152) == nil)
        #expect(victim(live: [21_000, 15_000], spareBytes: 49_152) == 2)
    }

    @Test func theOldestThatIsQuiteDeadBeforeAll() {
        #expect(victim(live: [20_000, 0, 0, 3_000]) == 2)
    }

    @Test func whenCopiesAreSpentOnlyOneThatNeedsNone() {
        #expect(victim(live: [3_000, 3_000], mayCopy: false) == nil)
        #expect(victim(live: [3_000, 0], mayCopy: false) == 2)
        #expect(victim(live: [3_000, 0], mayCopy: false) { $0.leaseCopies = 1 } == nil)
        #expect(victim(live: [3_000, 0], mayCopy: false) { $0.tombstoneBytes = 64 } == nil)
    }
}
