import StoreCore
import StoreHistory
import Testing

/// What is wrong with a history, given as text.
private func broken(_ text: String) throws -> [Violation.Rule] {
    HistoryCheck.violations(in: try History(text: text)).map(\.rule)
}

@Suite("A good history passes")
struct GoodHistories {
    @Test func putsReadsAndTransactionsInOrder() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 transact then put a 2 previous => at 3 yes put a=1@2,2,1
                client 2 50..60 range a..c => found 1 a=2@2,3,2 at 3
                client 2 70..80 transact if mod a = 3 then put b 1 else range a => at 4 yes put
                client 3 90..95 transact if version b > 1 then delete b else range b => \
                at 4 no found 1 b=1@4,4,1
                client 1 100..110 transact then delete a..c previous => at 5 yes deleted 2 \
                a=2@2,3,2 b=1@4,4,1
                client 1 120..130 range %.. limit 1 => found 0 at 5
                client 1 140..150 range %.. at 4 limit 1 descending => found 2 b=1@4,4,1 at 5
                client 1 160..170 transact then delete a => at 5 yes deleted 0
                """
            ).isEmpty)
    }

    @Test func concurrentOperationsMayTakeEffectInAnyOrder() throws {
        #expect(
            try broken(
                """
                client 1 10..90 transact then put a 1 => at 3 yes put
                client 2 10..90 transact then put a 2 => at 2 yes put
                client 3 20..30 range a => found 0 at 1
                """
            ).isEmpty)
    }

    @Test func aSerializableReadMayBeOld() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 2 30..40 range a serializable => found 0 at 1
                """
            ).isEmpty)
    }

    @Test func aWriteOfUnknownOutcomeMayHaveHappenedOrNot() throws {
        #expect(
            try broken(
                """
                client 1 10..? transact then put a 1 => unknown
                client 2 10..? transact then put a 2 => unknown
                client 3 40..50 range a => found 1 a=2@2,2,1 at 2
                client 3 60..70 transact then put b 1 => at 3 yes put
                """
            ).isEmpty)
    }

    @Test func unknownDeletionsAreToldApartByWhatTheyDid() throws {
        // Both may have made revision 4, but only the second can have made revision 6.
        #expect(
            try broken(
                """
                client 1 1..2 transact then put a 1 => at 2 yes put
                client 1 3..4 transact then put a 2 => at 3 yes put
                client 2 10..? transact then delete a..c => unknown
                client 3 10..? transact then delete a => unknown
                client 1 20..30 transact then put a 3 then put b 3 => at 5 yes put put
                client 9 1..? watch %.. from 2 => watched on 40 events put a=1@2,2,1 put a=2@2,3,2 \
                delete a@4 put a=3@5,5,1 put b=3@5,5,1 on 50 events delete a@6 delete b@6
                """
            ).isEmpty)
    }

    @Test func aWatchTellsEverythingOnce() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 then put c 1 => at 2 yes put put
                client 1 30..40 transact then put b 1 => at 3 yes put
                client 1 50..60 transact then delete a..z => at 4 yes deleted 3
                client 2 5..? watch a..c from 2 previous => watched on 6 created 1 on 25 events \
                put a=1@2,2,1 \
                on 41 progress 2 on 42 events put b=1@3,3,1 on 65 events delete a@4 was a=1@2,2,1 \
                delete b@4 was b=1@3,3,1 on 70 progress 4
                client 3 25..? watch c => watched on 45 created 3 on 66 events delete c@4
                """
            ).isEmpty)
    }

    @Test func historyGivenUpIsRefused() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 transact then put a 2 => at 3 yes put
                client 1 50..60 compact 3 => compacted
                client 1 70..80 range a at 2 => refused compacted 3
                client 2 70..80 watch a from 2 => watched on 75 ended compacted 3
                """
            ).isEmpty)
    }
}

@Suite("A broken promise is found")
struct BrokenHistories {
    @Test func aLostWrite() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 2 30..40 range a => found 0 at 2
                """) == [.read])
    }

    @Test func aLostWriteWhoseRevisionIsGivenAgain() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 2 15..40 transact then put b 1 => at 2 yes put
                """) == [.revisionOnce])
    }

    @Test func aStaleRead() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 2 30..40 range a => found 0 at 1
                """) == [.realTime])
    }

    @Test func aReadOlderThanWhatAnotherSaw() throws {
        #expect(
            try broken(
                """
                client 1 10..90 transact then put a 1 => at 2 yes put
                client 2 30..40 range a serializable => found 1 a=1@2,2,1 at 2
                client 3 50..60 range a => found 0 at 1
                """) == [.realTime])
    }

    @Test func aWriteBelowARevisionThatAWatchHadTold() throws {
        #expect(
            try broken(
                """
                client 1 10..90 transact then put a 1 => at 3 yes put
                client 2 1..? watch a from 3 => watched on 20 events put a=1@3,3,1
                client 3 30..40 transact then put b 1 => at 2 yes put
                """) == [.realTime])
    }

    @Test func aRevisionThatGoesBack() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 3 yes put
                client 1 30..40 transact then put b 1 => at 2 yes put
                """
            ).first == .realTime)
    }

    @Test func aRevisionThatNobodyMade() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 3 yes put
                """) == [.explained])
    }

    @Test func aReadFromTheFuture() throws {
        #expect(
            try broken(
                """
                client 2 10..20 range a serializable => found 1 a=1@2,2,1 at 2
                client 1 30..40 transact then put a 1 => at 2 yes put
                """) == [.realTime])
    }

    @Test func aWriteOfUnknownOutcomeThatHappenedTwice() throws {
        #expect(
            try broken(
                """
                client 1 10..? transact then put a 1 => unknown
                client 9 1..? watch %.. from 2 => watched on 50 events put a=1@2,2,1 put a=1@2,3,2
                """) == [.explained])
    }

    @Test func aWriteOfUnknownOutcomeBeforeItWasAskedFor() throws {
        #expect(
            try broken(
                """
                client 9 1..? watch a from 2 => watched on 50 events put a=1@2,2,1
                client 1 60..? transact then put a 1 => unknown
                """) == [.explained])
    }

    @Test func aRefusedWriteThatHappened() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => refused other overloaded
                client 2 30..40 range a => found 1 a=1@2,2,1 at 2
                """) == [.explained])
    }

    @Test func whatCannotBeDecidedIsSaid() throws {
        #expect(
            try broken(
                """
                client 1 10..? transact then put a 1 => unknown
                client 2 10..? transact then put b 1 => unknown
                client 3 20..30 transact then put c 1 => at 3 yes put
                """) == [.decided])
    }

    @Test func aTransactionThatTookTheWrongBranch() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 transact if value a = 1 then put a 2 else put a 3 => at 3 no put
                """) == [.result])
    }

    @Test func aCompareAndSetThatWonTwice() throws {
        #expect(
            try broken(
                """
                client 1 10..50 transact if create a = 0 then put a 1 => at 2 yes put
                client 2 10..50 transact if create a = 0 then put a 2 => at 3 yes put
                """) == [.result])
    }

    @Test func aWrongPreviousValue() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 transact then put a 2 previous => at 3 yes put a=0@2,2,1
                """) == [.result])
    }

    @Test(arguments: ["a=2@3,3,2", "a=2@2,3,1", "a=1@2,2,1", "a=2@2,3,2,5"])
    func aWrongNumberInARead(entry: String) throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 transact then put a 2 => at 3 yes put
                client 1 50..60 range a => found 1 \(entry) at 3
                """) == [.read])
    }

    @Test func aTransactionSeenHalfDone() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 then put b 1 => at 2 yes put put
                client 2 15..40 range a..c => found 1 a=1@2,2,1 at 2
                """) == [.read])
    }

    @Test func aDeletedKeyThatIsBack() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 transact then delete a => at 3 yes deleted 1
                client 1 50..60 range a => found 1 a=1@2,2,1 at 3
                """) == [.read])
    }

    @Test func aReadOfHistoryThatWasGivenUp() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 transact then put a 2 => at 3 yes put
                client 1 50..60 compact 3 => compacted
                client 1 70..80 range a at 2 => found 1 a=1@2,2,1 at 3
                """) == [.compaction])
    }

    @Test func aRefusalOfHistoryThatIsThere() throws {
        #expect(
            try broken(
                """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 1 30..40 range a at 2 => refused compacted 3
                client 1 50..60 watch a from 2 => watched on 55 ended compacted 3
                """) == [.compaction, .compaction])
    }

    /// Three changes, and what a watch of `a..c` from revision 2 told of them.
    private func told(_ deliveries: String) throws -> [Violation.Rule] {
        try broken(
            """
            client 1 10..20 transact then put a 1 then put b 1 => at 2 yes put put
            client 1 30..40 transact then put a 2 => at 3 yes put
            client 1 50..60 transact then delete b => at 4 yes deleted 1
            client 2 1..? watch a..c from 2 => watched \(deliveries)
            """)
    }

    static let first = "events put a=1@2,2,1 put b=1@2,2,1"

    @Test(arguments: [
        "on 70 \(first) put a=2@2,3,2 delete b@4",
        "on 70 \(first) on 80 events put a=2@2,3,2 on 81 progress 3 on 90 events delete b@4",
    ])
    func orNotAsTheseAreGood(deliveries: String) throws {
        #expect(try told(deliveries).isEmpty)
    }

    @Test func aMissingEvent() throws {
        #expect(try told("on 70 \(Self.first) on 80 events delete b@4") == [.watchComplete])
        #expect(try told("on 80 events put a=2@2,3,2") == [.watchComplete])
    }

    @Test func eventsInWrongOrder() throws {
        #expect(
            try told("on 70 \(Self.first) delete b@4 put a=2@2,3,2") == [.watchComplete])
        #expect(
            try told("on 70 \(Self.first) put a=2@2,3,2 \(Self.first.dropFirst(7))")
                == [.watchOrder])
    }

    @Test func anEventToldTwice() throws {
        let twice =
            "on 70 \(Self.first) on 71 events put a=2@2,3,2 delete b@4 "
            + "on 72 events put a=2@2,3,2"
        #expect(try told(twice) == [.watchOrder])
    }

    @Test func aRevisionToldInTwoParts() throws {
        let parts = "on 70 events put a=1@2,2,1 on 71 events put b=1@2,2,1"
        #expect(try told(parts) == [.watchAtomic])
    }

    @Test func anEventThatDidNotHappen() throws {
        #expect(try told("on 70 \(Self.first) put a=9@2,3,2") == [.watchContent])
    }

    @Test func progressAheadOfEvents() throws {
        #expect(
            try told("on 70 \(Self.first) on 80 progress 3 on 81 events put a=2@2,3,2")
                == [.watchProgress])
    }

    @Test func progressThatGoesBack() throws {
        #expect(try told("on 70 \(Self.first) put a=2@2,3,2 on 80 progress 2") == [.watchOrder])
    }
}

/// What an API tells that has no revisions in many of its answers, as that of Kubernetes.
@Suite("A history that leaves revisions out")
struct UntoldHistories {
    /// Other people made revisions 8 and 11. A deletion made 10; its answer says so to nobody.
    static let good = """
        scope 7 k..l versionless
        client 1 10..20 transact if mod k1 = 0 then put k1 a => at 9 yes put
        client 2 10..20 transact if mod k1 = 0 then put k1 b => failed
        client 3 12..40 transact if mod k1 > 0 then delete k1 => done
        client 4 25..35 range k1 => seen k1=a@0,9,0
        client 4 45..50 range k1 => seen nothing
        client 5 60..70 transact if mod k1 = 0 then put k1 c => at 12 yes put
        client 6 80..90 range k..l => found 1 k1=c@0,12,0 at 13
        client 9 1..? watch k..l from 8 => watched on 21 events put k1=a@0,9,0 on 41 events \
        delete k1@10 on 71 events put k1=c@0,12,0 on 72 progress 13

        """

    @Test func aGoodOnePasses() throws { #expect(try broken(Self.good).isEmpty) }

    @Test(arguments: [
        // Stale: what another had been shown is gone, or not there yet.
        ("client 7 42..50 range k1 => seen k1=a@0,9,0", Violation.Rule.read),
        ("client 7 80..90 range k1 => seen nothing", .read),
        ("client 7 80..90 range k1 => seen k1=b@0,12,0", .read),
        // It could not have failed at that time.
        ("client 7 80..90 transact if mod k1 > 0 then put k1 d => failed", .failure),
        ("client 7 45..50 transact if mod k1 = 0 then put k1 d => failed", .realTime),
        ("client 7 80..90 transact if mod k1 = 12 then put k1 d => failed", .failure),
        // Only one of two deletions can have happened.
        ("client 7 22..40 transact if mod k1 > 0 then delete k1 => done", .done),
        ("client 7 75..90 transact if mod k1 > 0 then delete k1 => done", .done),
        // It would have been seen.
        ("client 7 22..30 transact if mod k1 > 0 then put k1 d => done", .done),
        ("client 7 22..30 range k..l => seen nothing", .decided),
    ])
    func aBadOneIsFound(line: String, rule: Violation.Rule) throws {
        #expect(try broken(Self.good + line) == [rule])
    }

    @Test(arguments: [
        "client 7 5..50 range k1 => seen nothing",
        "client 7 30..50 transact if mod k1 > 0 then put k1 d => failed",
        "client 7 22..50 transact if mod k1 > 0 then delete k1 => unknown",
    ])
    func whatMayBePasses(line: String) throws {
        #expect(try broken(Self.good + line).isEmpty)
    }

    @Test func whatOneReadShowsBindsTheNext() throws {
        let reads = """
            client 7 22..30 range k1 => seen nothing
            client 8 36..38 range k1 => seen k1=a@0,9,0
            """
        #expect(try broken(Self.good + reads) == [.read])
    }

    @Test func aDeletionThatNobodyAskedFor() throws {
        let nobody = Self.good.replacing("client 3 12..40", with: "client 3 42..45")
        #expect(try broken(nobody) == [.explained])
    }

    @Test func aWriteOfOthersWithinTheScope() throws {
        let foreign = Self.good.replacing(
            "on 72 progress 13", with: "on 72 events put k2=x@0,13,0")
        #expect(try broken(foreign) == [.explained])
    }

    @Test func aWriteThatAWatchOfAllMissed() throws {
        let missed = Self.good.replacing("on 71 events put k1=c@0,12,0", with: "")
        #expect(try broken(missed) == [.watchProgress])
    }

    @Test func isReadAsItIsWritten() throws {
        #expect(try History(text: Self.good).text == Self.good)
    }
}

@Suite("A history as text")
struct HistoryTextTests {
    @Test func readsWhatItWrites() throws {
        let text = """
            client 1 10..20 transact if create a = 0 if mod b..c != 3 if version d > 1 if lease \
            e < 7 \
            if value f = %ff%20 then put a 1 lease 5 previous then delete b.. previous \
            else range c..d at 3 limit 2 count order value descending => \
            at 2 yes put a=%@1,2,3,5 deleted 1 b=2@1,1,1 found 2 c=%00@1,1,1
            client 2 15..? range a serializable => unknown
            client 2 16..17 compact 9 => refused future
            client 2 18..19 compact 9 => compacted
            client 2 20..21 range a => refused other no%20leader
            client 3 30..? watch % from 3 previous => watched on 31 created 2 \
            on 32 events put a=1@2,3,2 was a=0@2,2,1 delete b@3 on 33 progress 4 on 34 ended \
            compacted 9

            """
        #expect(try History(text: text).text == text)
    }

    @Test(arguments: [
        ("client x", "x"), ("client 1 10", "10"), ("client 1 10..20 push a", "push"),
        ("client 1 10..20 compact 3 => at 3 maybe", "maybe"),
        ("client 1 10..20 range a => found 1 a=1 at 2", "a=1"),
    ])
    func saysWhereALineIsWrong(line: String, word: String) throws {
        let error = #expect(throws: HistoryTextError.self) { try History(text: "\n" + line) }
        #expect(error?.line == 2)
        #expect(error?.word == word)
    }

    @Test func aViolationNamesTheOperations() throws {
        let history = try History(
            text: """
                client 1 10..20 transact then put a 1 => at 2 yes put
                client 2 30..40 range a => found 0 at 2
                """)
        let violation = try #require(HistoryCheck.violations(in: history).first)
        #expect(
            violation.report(of: history) == """
                broken: a read shows what was there at its revision
                  operations #1
                  expected found 1 a=1@2,2,1 at 2
                  found    found 0 at 2
                  #1 client 2 30..40 range a => found 0 at 2
                """)
    }
}
