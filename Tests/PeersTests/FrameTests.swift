import Testing
@testable import Peers

@Suite("Frames as bytes")
struct FrameTests {
    static let frames: [[UInt8]] = [[1], [], [2, 3, 4], [UInt8](repeating: 5, count: 300)]

    static func bytes(of frames: [[UInt8]], portion: Int = .max) -> [UInt8] {
        var writer = FrameWriter()
        for frame in frames { writer.append(frame) }
        var bytes: [UInt8] = []
        while !writer.isEmpty {
            var part: [UInt8] = []
            writer.fill(&part, bytesMax: portion)
            bytes += part
        }
        return bytes
    }

    @Test("A frame has its length in front")
    func format() {
        #expect(Self.bytes(of: [[7, 8], [UInt8](repeating: 9, count: 258)]).prefix(10)
            == [0, 0, 0, 2, 7, 8, 0, 0, 1, 2])
    }

    @Test("Frames are the same in whatever portions they are written", arguments: [1, 4, 5, 100])
    func writesPortions(portion: Int) {
        #expect(Self.bytes(of: Self.frames, portion: portion) == Self.bytes(of: Self.frames))
    }

    @Test("Frames are the same in whatever portions they come", arguments: 1...17)
    func readsPortions(portion: Int) throws {
        let bytes = Self.bytes(of: Self.frames)
        var reader = FrameReader(frameBytesMax: 300)
        var frames: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: portion) {
            let part = Array(bytes[start..<min(start + portion, bytes.count)])
            try reader.read(part.span, into: &frames)
        }
        #expect(frames == Self.frames)
    }

    @Test("A frame that is too large is refused by its length, the ones before it are there")
    func tooLarge() {
        let bytes = Self.bytes(of: Self.frames)
        var reader = FrameReader(frameBytesMax: 299)
        var frames: [[UInt8]] = []
        #expect(throws: FrameTooLarge(byteCount: 300)) {
            try reader.read(bytes.span, into: &frames)
        }
        #expect(frames == Array(Self.frames.dropLast()))
    }

    @Test("A queue takes what its limits allow, in count and in bytes")
    func queue() {
        var limits = PeerLimits()
        (limits.framesWaitingMax, limits.bytesWaitingMax) = (3, 10)
        var queue = FrameQueue()
        func offer(_ counts: Int...) -> [Bool] {
            counts.map { queue.offer([UInt8](repeating: 1, count: $0), limits: limits) }
        }
        #expect(offer(4, 4, 3, 1, 1) == [true, true, false, true, false])
        var writer = FrameWriter()
        let moved = queue.move(to: &writer, bytesMax: 5)
        #expect(moved == (frames: 2, bytes: 8))
        #expect(queue.bytesWaiting == 1)
        #expect(offer(9) == [true])
        let dropped = queue.removeAll()
        #expect(dropped == 2)
        #expect(queue.bytesWaiting == 0)
    }

    @Test("Waits are doubled up to the longest, and begin again")
    func backoff() {
        var backoff = Backoff(from: .milliseconds(50), upTo: .seconds(1))
        let waits = (0..<7).map { _ in backoff.wait() }
        #expect(waits == [50, 100, 200, 400, 800, 1_000, 1_000].map { .milliseconds($0) })
        backoff.reset()
        #expect(backoff.wait() == .milliseconds(50))
    }

    @Test("One notice of a topic is told in a while")
    func notices() {
        var filter = NoticeFilter(interval: .seconds(10))
        let start = ContinuousClock.now
        let first = PeerNotice.refused(address: "10.0.0.9:40001", reason: "it shows no certificate")
        let again = PeerNotice.refused(address: "10.0.0.9:40002", reason: "it shows no certificate")
        let other = PeerNotice.refused(address: "10.0.0.8:40002", reason: "it shows no certificate")
        let told = [(first, 0), (again, 9), (other, 9), (again, 10)].map {
            filter.mayTell($0.0, now: start + .seconds($0.1))
        }
        #expect(told == [true, false, true, true])
        #expect("\(first)"
            == "refused a connection from 10.0.0.9:40001: it shows no certificate")
    }
}
