import StoreCore
import Testing

@Suite("The opening of a segment")
struct OpeningTests {
    @Test func knowsWhatWasDecidedBeforeItThoughNotYetDurable() throws {
        let first = SegmentHeader(salt: 1, sequence: 1, fileBytes: 4096)
        let second = SegmentHeader(salt: 2, sequence: 2, fileBytes: 4096)
        var core = StoreState()
        var changes: [AppliedChange] = []
        var batch = LogBatch(at: .origin, salt: first.salt, term: 1)
        core.open(first, into: &batch)
        _ = try core.put([1], [1], expected: nil, lease: .none, into: &batch, changes: &changes)
        _ = try core.compact(Revision(2), into: &batch)
        _ = core.retire(1, into: &batch)
        core.seal(into: &batch)

        var position = batch.position
        (position.segment, position.offset) = (2, SegmentHeader.byteCount)
        var next = LogBatch(at: position, salt: second.salt, term: 1)
        core.open(second, into: &next)
        next.commit()

        // The first segment is gone by the time the second is read.
        let bytes = second.encoded() + next.bytes
        var recovered = StoreState()
        var notes = ReplayNotes()
        var scan = SegmentScan(header: second, after: nil)
        while let batch = try scan.nextBatch(in: bytes.raw) {
            try recovered.replay(batch, of: bytes.raw, header: second, notes: &notes)
        }
        #expect(recovered.revision == Revision(2))
        #expect(recovered.compacted == Revision(2))
        #expect(notes.segmentsNeeded == [2])
    }
}
