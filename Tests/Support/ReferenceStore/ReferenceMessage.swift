/// What members tell each other.
enum ReferenceMessage {
    case askVote(term: UInt64, last: Int, lastTerm: UInt64)
    case vote(term: UInt64, granted: Bool)
    case append(
        term: UInt64, previous: Int, previousTerm: UInt64, commit: Int, [ReferenceLog.Entry])
    case appended(term: UInt64, isTaken: Bool, through: Int)
    /// The leader wants the receiver to take over.
    case takeOver(term: UInt64)

    var term: UInt64 {
        switch self {
        case .askVote(let term, _, _), .vote(let term, _), .append(let term, _, _, _, _),
            .appended(let term, _, _), .takeOver(let term):
            term
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .askVote(let term, let last, let lastTerm):
            for number in [1, term, UInt64(last), lastTerm] { bytes.add(number) }
        case .vote(let term, let granted):
            for number in [2, term, granted ? 1 : 0] { bytes.add(number) }
        case .append(let term, let previous, let previousTerm, let commit, let entries):
            for number in [3, term, UInt64(previous), previousTerm, UInt64(commit)] {
                bytes.add(number)
            }
            for entry in entries {
                bytes.add(entry.term)
                bytes.add(UInt64(entry.payload.count))
                bytes += entry.payload
            }
        case .appended(let term, let isTaken, let through):
            for number in [4, term, isTaken ? 1 : 0, UInt64(through)] { bytes.add(number) }
        case .takeOver(let term):
            for number in [5, term] { bytes.add(number) }
        }
        return bytes
    }

    init?(_ bytes: [UInt8]) {
        let numbers = (0..<5).map { bytes.number(at: 8 * $0) ?? 0 }
        switch numbers[0] {
        case 1: self = .askVote(term: numbers[1], last: Int(numbers[2]), lastTerm: numbers[3])
        case 2: self = .vote(term: numbers[1], granted: numbers[2] == 1)
        case 3:
            var entries: [ReferenceLog.Entry] = []
            var offset = 40
            while let term = bytes.number(at: offset), let count = bytes.number(at: offset + 8) {
                let payload = Array(bytes[offset + 16..<offset + 16 + Int(count)])
                entries.append(.init(term: term, payload: payload))
                offset += 16 + payload.count
            }
            self = .append(
                term: numbers[1], previous: Int(numbers[2]), previousTerm: numbers[3],
                commit: Int(numbers[4]), entries)
        case 4:
            self = .appended(
                term: numbers[1], isTaken: numbers[2] == 1, through: Int(numbers[3]))
        case 5: self = .takeOver(term: numbers[1])
        default: return nil
        }
    }
}
