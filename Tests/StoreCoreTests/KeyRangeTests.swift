import StoreCore
import Testing

@Suite("A range of keys")
struct KeyRangeTests {
    @Test func ofAPrefixHoldsWhatBeginsWithIt() {
        let range = KeyRange.prefix([1, 0xFF])
        #expect(range.end == [2])
        #expect(range.contains([1, 0xFF]))
        #expect(range.contains([1, 0xFF, 0xFF, 0]))
        #expect(!range.contains([1, 0xFE, 0xFF]))
        #expect(!range.contains([2]))
        #expect(KeyRange.prefix([0xFF, 0xFF]).end == nil)
    }

    @Test func ofOneKeyHoldsNoOther() {
        let range = KeyRange.key([5])
        #expect(range.contains([5]))
        #expect(!range.contains([5, 0]))
        #expect(range.onlyKey == [5])
        #expect(KeyRange.all.onlyKey == nil)
        #expect(KeyRange.all.contains([]))
    }
}
