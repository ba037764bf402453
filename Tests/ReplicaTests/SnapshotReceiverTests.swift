import Raft
import Replica
import StoreCore
import Testing

@Suite("A follower that fetches a snapshot")
struct SnapshotReceiverTests {
    static let first = SnapshotPart(sequence: 3, salt: 11, fileBytes: 4096, bytes: 4096)
    static let last = SnapshotPart(sequence: 4, salt: 12, fileBytes: 4096, bytes: 100)

    private func receiver(whole: Set<SnapshotPart> = []) -> SnapshotReceiver {
        SnapshotReceiver(from: MemberID(1), term: Term(5), whole: whole)
    }

    private func chunk(_ part: SnapshotPart, _ offset: Int, _ count: Int) -> SnapshotMessage {
        .chunk(part, offset: offset, [UInt8](repeating: 7, count: count))
    }

    @Test func fetchesOnePartAfterTheOther() {
        var receiver = receiver()
        #expect(receiver.start() == [.send(.ask)])
        #expect(receiver.receive(.parts([Self.first, Self.last])) == [.make(Self.first)])
        #expect(receiver.made(Self.first) == [.send(.askChunk(Self.first, offset: 0))])
        let bytes = [UInt8](repeating: 7, count: 4096)
        #expect(
            receiver.receive(.chunk(Self.first, offset: 0, bytes)) == [
                .write(Self.first, offset: 0, bytes)
            ])
        #expect(receiver.wrote(Self.first, offset: 0, count: 4096) == [.keep(Self.first)])
        #expect(receiver.kept(Self.first) == [.make(Self.last)])
        #expect(receiver.made(Self.last) == [.send(.askChunk(Self.last, offset: 0))])
        _ = receiver.receive(chunk(Self.last, 0, 100))
        #expect(receiver.wrote(Self.last, offset: 0, count: 100) == [.keep(Self.last)])
        #expect(receiver.kept(Self.last) == [.install([Self.first, Self.last])])
    }

    @Test func asksForTheNextChunkWhenOneIsWritten() {
        var receiver = receiver()
        _ = receiver.receive(.parts([Self.first]))
        _ = receiver.made(Self.first)
        _ = receiver.receive(chunk(Self.first, 0, 1024))
        #expect(
            receiver.wrote(Self.first, offset: 0, count: 1024)
                == [.send(.askChunk(Self.first, offset: 1024))])
    }

    @Test func takesNoChunkTwiceNorOutOfOrder() {
        var receiver = receiver()
        _ = receiver.receive(.parts([Self.first]))
        _ = receiver.made(Self.first)
        #expect(receiver.receive(chunk(Self.first, 1024, 1024)) == [])
        #expect(receiver.receive(chunk(Self.first, 0, 1024)).count == 1)
        #expect(receiver.receive(chunk(Self.first, 0, 1024)) == [])
        #expect(receiver.receive(chunk(Self.last, 0, 100)) == [])
    }

    @Test func takesNoMoreThanThePartHas() {
        var receiver = receiver()
        _ = receiver.receive(.parts([Self.last]))
        _ = receiver.made(Self.last)
        #expect(receiver.receive(chunk(Self.last, 0, 101)) == [])
    }

    @Test func goesOnWithWhatAnEarlierAttemptHasLeft() {
        let stale = SnapshotPart(sequence: 2, salt: 9, fileBytes: 4096, bytes: 4096)
        var receiver = receiver(whole: [Self.first, stale])
        #expect(
            receiver.receive(.parts([Self.first, Self.last])) == [
                .discard(stale), .make(Self.last),
            ])
    }

    @Test func beginsAgainWhenAPartIsGone() {
        var receiver = receiver()
        _ = receiver.receive(.parts([Self.first, Self.last]))
        _ = receiver.made(Self.first)
        #expect(
            receiver.receive(.gone(Self.first)) == [.discard(Self.first), .send(.ask)])
        #expect(receiver.receive(.parts([Self.last])) == [.make(Self.last)])
    }

    @Test func asksAgainWhenNothingComes() {
        var receiver = receiver()
        #expect(receiver.tick(ticksMax: 2) == [])
        #expect(receiver.tick(ticksMax: 2) == [.send(.ask)])
        _ = receiver.receive(.parts([Self.first]))
        _ = receiver.made(Self.first)
        #expect(receiver.tick(ticksMax: 2) == [])
        #expect(receiver.tick(ticksMax: 2) == [.send(.askChunk(Self.first, offset: 0))])
    }

    @Test(arguments: [
        SnapshotMessage.ask, .parts([first, last]), .askChunk(last, offset: 64),
        .chunk(last, offset: 64, [1, 2, 3]), .gone(first),
    ])
    func understandsWhatWasSaid(message: SnapshotMessage) {
        #expect(SnapshotMessage(message.encoded()) == message)
    }

    @Test func believesNoBytesThatAreCutShort() {
        let bytes = SnapshotMessage.parts([Self.first, Self.last]).encoded()
        for count in 0..<bytes.count where (count - 8) % 32 != 0 {
            #expect(SnapshotMessage(Array(bytes.prefix(count))) == nil)
        }
        let installation = SnapshotInstallation(parts: [Self.first, Self.last]).encoded()
        for count in 0..<installation.count {
            #expect(SnapshotInstallation(Array(installation.prefix(count))) == nil)
        }
    }
}
