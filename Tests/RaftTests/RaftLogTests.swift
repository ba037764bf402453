import Raft
import Testing

/// The log's shape against the plainest one that could do the same.
@Suite struct RaftLogTests {
    /// Every entry with its term, size and the membership in force, from index 1 on.
    private struct Plain {
        var headers: [EntryHeader] = []
        var base = 0

        func term(_ index: Int) -> Term? {
            guard index >= base, index <= headers.count else { return nil }
            return index == 0 ? Term.none : headers[index - 1].term
        }

        func membership(_ first: Membership) -> Membership {
            for header in headers.reversed() {
                if case .membership(let membership) = header.kind { return membership }
            }
            return first
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func isWhatWasAppendedAndNotTakenBack(seed: UInt64) {
        var dice = Dice(seed: seed)
        let first = Membership(voters: [MemberID(1)])
        var (log, plain) = (RaftLog(membership: first), Plain())
        for _ in 0..<300 {
            switch dice.roll(0...9) {
            case 0..<7:
                let header = entry(after: log.lastTerm, &dice)
                log.append(header)
                plain.headers.append(header)
            case 7..<9:
                let kept = max(plain.base, plain.headers.count - dice.roll(0...4))
                log.truncate(from: LogIndex(UInt64(kept) + 1))
                plain.headers.removeLast(plain.headers.count - kept)
            default:
                plain.base = dice.roll(plain.base...plain.headers.count)
                log.compact(to: LogIndex(UInt64(plain.base)))
            }
            compare(log, plain, first)
        }
    }

    private func entry(after term: Term, _ dice: inout Dice) -> EntryHeader {
        let term = dice.roll(0...3) == 0 ? term.next : term
        switch dice.roll(0...9) {
        case 0: return EntryHeader(term: term, kind: .noop, bytes: 0)
        case 1:
            let voters = (1...UInt64(dice.roll(1...5))).map(MemberID.init)
            return EntryHeader(
                term: term, kind: .membership(Membership(voters: voters)), bytes: 9)
        default: return EntryHeader(term: term, bytes: dice.roll(0...EntryHeader.bytesMax))
        }
    }

    private func compare(_ log: RaftLog, _ plain: Plain, _ first: Membership) {
        #expect(log.lastIndex == LogIndex(UInt64(plain.headers.count)))
        #expect(
            log.base
                == EntryID(
                    index: LogIndex(UInt64(plain.base)), term: plain.term(plain.base) ?? .none))
        #expect(log.lastTerm == plain.headers.last?.term ?? .none)
        #expect(log.membership == plain.membership(first))
        let terms = (0...plain.headers.count + 1).map { log.term(at: LogIndex(UInt64($0))) }
        #expect(terms == (0...plain.headers.count + 1).map(plain.term))
        let kept = log.entries(
            from: log.base.index.next, countMax: .max, bytesMax: .max)
        #expect(kept.headers == Array(plain.headers[plain.base...]))
        #expect(kept.bytes == kept.headers.reduce(0) { $0 + $1.bytes })
    }

    @Test func entriesStopBeforeTheirSizesPassTheLimitButThereIsAlwaysOne() {
        var log = RaftLog(membership: .none)
        for bytes in [500, 100, 100, 100] { log.append(EntryHeader(term: Term(1), bytes: bytes)) }
        func count(from index: UInt64, countMax: Int = 9, bytesMax: Int) -> Int {
            log.entries(from: LogIndex(index), countMax: countMax, bytesMax: bytesMax).headers.count
        }
        #expect(count(from: 1, bytesMax: 10) == 1)
        #expect(count(from: 2, bytesMax: 200) == 2)
        #expect(count(from: 2, bytesMax: 199) == 1)
        #expect(count(from: 1, countMax: 3, bytesMax: 9999) == 3)
        #expect(count(from: 5, bytesMax: 10) == 0)
    }

    @Test func theLastEntryOfAnEarlierTermSkipsWholeTerms() {
        var log = RaftLog(base: EntryID(index: LogIndex(10), term: Term(2)), membership: .none)
        for term: UInt64 in [2, 4, 4, 7, 7, 7] {
            log.append(EntryHeader(term: Term(term), bytes: 1))
        }
        func last(upTo index: UInt64, termMax: UInt64) -> EntryID? {
            log.last(upTo: LogIndex(index), termMax: Term(termMax))
        }
        #expect(last(upTo: 99, termMax: 9) == EntryID(index: LogIndex(16), term: Term(7)))
        #expect(last(upTo: 16, termMax: 6) == EntryID(index: LogIndex(13), term: Term(4)))
        #expect(last(upTo: 12, termMax: 6) == EntryID(index: LogIndex(12), term: Term(4)))
        #expect(last(upTo: 16, termMax: 3) == EntryID(index: LogIndex(11), term: Term(2)))
        #expect(last(upTo: 16, termMax: 1) == nil)
        #expect(last(upTo: 9, termMax: 9) == nil)
    }
}
