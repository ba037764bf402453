internal import StoreCore
internal import StoreHistory

/// What happened, as one number that two runs of the same seed share, and as text if it is wanted.
struct Trace {
    private(set) var hash: UInt64 = 0
    private let print: ((String) -> Void)?

    init(print: ((String) -> Void)?) { self.print = print }

    mutating func note(
        _ moment: Moment, _ kind: UInt64, _ number: UInt64 = 0, text: @autoclosure () -> String
    ) {
        hash = mixed(hash ^ UInt64(bitPattern: moment.microseconds) &+ kind)
        hash = mixed(hash ^ number)
        if let print { print("\(Self.time(moment)) \(text())") }
    }

    /// Seconds with six places.
    static func time(_ moment: Moment) -> String {
        let fraction = String(moment.microseconds % 1_000_000)
        let zeros = String(repeating: "0", count: 6 - fraction.count)
        return "\(moment.microseconds / 1_000_000).\(zeros)\(fraction)"
    }

    /// A number for bytes, so that their contents are part of the hash.
    static func digest(_ bytes: [UInt8]) -> UInt64 {
        bytes.raw.digest
    }
}
