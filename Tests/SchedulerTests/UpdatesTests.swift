@testable import Scheduler
import Testing

@Suite("What the scheduler has been told and has not taken yet")
struct UpdatesTests {
    func text(_ updates: inout Updates<String, Int>) -> [String] {
        updates.take().map { "\($0.name)=\($0.description.map(String.init) ?? "gone")" }
    }

    @Test("has each object once, as it was last")
    func newest() {
        var updates = Updates<String, Int>()
        updates.put("a", 1)
        updates.put("b", 2)
        updates.put("a", 3)
        #expect(text(&updates) == ["a=3", "b=2"])
        #expect(text(&updates) == [])
        updates.put("b", 4)
        updates.remove("b")
        #expect(text(&updates) == ["b=gone"])
    }

    @Test("is complete once a list was told to its end")
    func completeness() {
        var updates = Updates<String, Int>()
        updates.beginList()
        updates.put("a", 1)
        #expect(!updates.isComplete)
        updates.endList()
        #expect(updates.isComplete)
    }

    @Test("says that what a later list does not have is gone")
    func relisted() {
        var updates = Updates<String, Int>()
        updates.beginList()
        for name in ["a", "b", "c"] { updates.put(name, 1) }
        updates.endList()
        updates.remove("c")
        _ = updates.take()
        updates.beginList()
        updates.put("b", 2)
        updates.endList()
        #expect(text(&updates) == ["b=2", "a=gone"])
    }

    @Test("says nothing of the end of what it never knew")
    func unknown() {
        var updates = Updates<String, Int>()
        updates.remove("a")
        #expect(text(&updates) == [])
    }
}
