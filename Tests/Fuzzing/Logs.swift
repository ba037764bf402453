import Checksum
import LogTape
import StoreCore

/// A segment of a log with bytes changed: four bytes of input for each, three of them the place.
///
/// The first byte says whether checksums and chain are then made good, so that what is behind them
/// is read too, and whether the segment is the log's first.
func feedLog(_ input: [UInt8]) {
    guard let first = input.first else { return }
    var bytes = tape.bytes
    for start in stride(from: 1, to: input.count - 3, by: 4) {
        let place = Int(input[start]) << 16 | Int(input[start + 1]) << 8 | Int(input[start + 2])
        bytes[SegmentHeader.byteCount + place % (tape.end + 256)] = input[start + 3]
    }
    if first & 1 == 1 { makeGood(&bytes) }
    _ = try? recover(bytes, isFirst: first & 2 == 0)
}

private let tape: (bytes: [UInt8], end: Int) = {
    do {
        var generator = SeededGenerator(seed: 1)
        var tape = LogTape()
        for number in 0..<20 {
            let key = "key-\(Int.random(in: 0..<6, using: &generator))"
            if number % 5 == 4 { try tape.delete(key) } else { try tape.put(key, "\(number)") }
            if number % 3 == 2 { tape.sync() }
            if number == 15 { try tape.compact(Revision(5)) }
        }
        tape.sync()
        // Some of the zeros behind it too, but not the whole file.
        return (Array(tape.bytes[..<(tape.end + 1_024)]), tape.end - SegmentHeader.byteCount)
    } catch {
        fatalError("the log of the fuzz target cannot be made: \(error)")
    }
}()

/// Gives every record the checksum and the chain that its bytes ask for, as long as its length does
/// not lead out of the file. Offsets are those of RecordFormat.swift.
private func makeGood(_ bytes: inout [UInt8]) {
    var offset = SegmentHeader.byteCount
    var previous: UInt32 = 0
    while offset + 40 <= bytes.count, bytes[offset + 12] != 0 {
        let payload = (0..<4).reduce(0) { $0 | Int(bytes[offset + 4 + $1]) << (8 * $1) }
        let end = offset + 40 + (payload + 7) / 8 * 8
        guard end <= bytes.count else { return }
        set(previous, at: offset + 8, in: &bytes)
        let seed = UInt32(truncatingIfNeeded: LogTape.header.salt)
        let checksum = crc32c(bytes.raw.extracting(offset + 4..<end), from: seed)
        set(checksum, at: offset, in: &bytes)
        (previous, offset) = (checksum, end)
    }
}

private func set(_ number: UInt32, at offset: Int, in bytes: inout [UInt8]) {
    for place in 0..<4 { bytes[offset + place] = UInt8(truncatingIfNeeded: number >> (8 * place)) }
}
