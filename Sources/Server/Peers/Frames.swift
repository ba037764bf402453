import DequeModule

/// Frames from bytes: each has its length in front, 4 bytes, big endian.
struct FrameReader {
    /// Memory taken on the word of a length alone.
    private static let trustedBytesMax = 1_048_576

    var frameBytesMax: Int
    private var header = 0
    private var headerCount = 0
    private var frame: [UInt8] = []
    private var missingCount = 0

    init(frameBytesMax: Int) { self.frameBytesMax = frameBytesMax }

    /// Takes bytes in any portions, and appends the frames that are whole.
    mutating func read(_ bytes: Span<UInt8>, into frames: inout [[UInt8]]) throws(FrameTooLarge) {
        var offset = 0
        while offset < bytes.count {
            if headerCount < 4 {
                header = header << 8 | Int(bytes[offset])
                headerCount += 1
                offset += 1
                if headerCount == 4 { try begin(&frames) }
                continue
            }
            let count = min(missingCount, bytes.count - offset)
            let part = bytes.extracting(offset..<offset + count)
            unsafe part.withUnsafeBufferPointer { unsafe frame.append(contentsOf: $0) }
            offset += count
            missingCount -= count
            if missingCount == 0 { end(&frames) }
        }
    }

    private mutating func begin(_ frames: inout [[UInt8]]) throws(FrameTooLarge) {
        guard header <= frameBytesMax else { throw FrameTooLarge(byteCount: header) }
        missingCount = header
        frame.reserveCapacity(min(header, Self.trustedBytesMax))
        if missingCount == 0 { end(&frames) }
    }

    private mutating func end(_ frames: inout [[UInt8]]) {
        frames.append(frame)
        frame = []
        (header, headerCount) = (0, 0)
    }
}

/// A peer announced a frame that is larger than any may be.
struct FrameTooLarge: Error, Equatable {
    let byteCount: Int
}

/// Frames on their way out, as bytes.
struct FrameWriter {
    private var frames = Deque<[UInt8]>()
    /// Of the first frame and its header.
    private var writtenCount = 0

    var isEmpty: Bool { frames.isEmpty }
    /// Frames that are not written whole.
    var count: Int { frames.count }

    mutating func append(_ frame: [UInt8]) { frames.append(frame) }

    /// Appends what comes next, about `bytesMax` at most.
    mutating func fill(_ output: inout [UInt8], bytesMax: Int) {
        while let frame = frames.first, output.count < bytesMax {
            if writtenCount == 0 {
                let count = UInt32(frame.count)
                for shift in [24, 16, 8, 0] {
                    output.append(UInt8(truncatingIfNeeded: count >> shift))
                }
                writtenCount = 4
            }
            let start = writtenCount - 4
            let count = min(frame.count - start, max(0, bytesMax - output.count))
            output += frame[start..<start + count]
            writtenCount += count
            guard writtenCount == frame.count + 4 else { return }
            frames.removeFirst()
            writtenCount = 0
        }
    }
}

/// Frames that wait for a member.
struct FrameQueue {
    private var frames = Deque<[UInt8]>()
    private(set) var bytesWaiting = 0

    var count: Int { frames.count }

    /// False if more wait already than may.
    mutating func offer(_ frame: [UInt8], limits: PeerLimits) -> Bool {
        guard frames.count < limits.framesWaitingMax,
              bytesWaiting + frame.count <= limits.bytesWaitingMax else { return false }
        frames.append(frame)
        bytesWaiting += frame.count
        return true
    }

    /// Moves frames to `writer` until they have `bytesMax` or more, or none is left. Returns how
    /// many frames and bytes they were.
    mutating func move(to writer: inout FrameWriter, bytesMax: Int) -> (frames: Int, bytes: Int) {
        var moved = (frames: 0, bytes: 0)
        while moved.bytes < bytesMax, let frame = frames.popFirst() {
            moved.frames += 1
            moved.bytes += frame.count
            writer.append(frame)
        }
        bytesWaiting -= moved.bytes
        return moved
    }

    /// Returns how many there were.
    mutating func removeAll() -> Int {
        defer { self = FrameQueue() }
        return frames.count
    }
}

/// Waits between attempts: doubled from one to the next, up to a longest.
struct Backoff {
    private let shortest: Duration
    private let longest: Duration
    private var next: Duration

    init(from shortest: Duration, upTo longest: Duration) {
        (self.shortest, self.longest, next) = (shortest, longest, shortest)
    }

    mutating func wait() -> Duration {
        defer { next = min(next * 2, longest) }
        return next
    }

    mutating func reset() { next = shortest }
}
