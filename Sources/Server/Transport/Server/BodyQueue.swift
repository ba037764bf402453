import DequeModule

/// Bytes of an answer that wait to be sent: references to the arrays they came in, not copies.
struct BodyQueue {
    private var pieces = Deque<[UInt8]>()
    /// Bytes of the first piece that are gone.
    private var firstOffset = 0
    /// Bytes that wait.
    private(set) var count = 0
    /// No more will come after what waits.
    var isEnded = false

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        pieces.append(bytes)
        count += bytes.count
    }

    mutating func removeAll() {
        pieces = []
        (firstOffset, count) = (0, 0)
    }

    /// Moves up to `countMax` bytes to the end of `output`; returns how many.
    @discardableResult
    mutating func move(upTo countMax: Int, to output: inout [UInt8]) -> Int {
        let total = Swift.min(countMax, count)
        var left = total
        while left > 0 {
            let available = pieces[0].count - firstOffset
            let taken = Swift.min(left, available)
            output.append(contentsOf: pieces[0][firstOffset..<firstOffset + taken])
            left -= taken
            if taken == available {
                pieces.removeFirst()
                firstOffset = 0
            } else {
                firstOffset += taken
            }
        }
        count -= total
        return total
    }
}
