import Raft
import Replica
import Store
import Synchronization
import Testing

@Suite("A frame of somebody else")
struct RefusedFrameTests {
    /// A member whose peers are not there, and what it says of frames that it refuses.
    private final class Member: Sendable {
        let store: Store
        private let scratch: Scratch
        private let sent: Sent

        /// Frames that it has sent.
        private final class Sent: Sendable {
            let frames = Mutex<[[UInt8]]>([])
        }

        init(founders names: [String], refused: Refused) throws {
            (scratch, sent) = (try Scratch(), Sent())
            let founders = names.map {
                ClusterOptions.Founder(name: $0, peerAddress: "\($0):1")
            }
            var options = StoreOptions()
            options.cluster = ClusterOptions(me: founders[0], beginning: .founding(founders)) {
                [sent] frame, _, _ in sent.frames.withLock { $0.append(frame) }
            }
            options.cluster?.tickInterval = .milliseconds(1)
            options.cluster?.onRefusedFrame = { refused.note($0) }
            store = try Store.open(directory: scratch.path, options: options)
        }

        deinit { store.close() }

        /// A frame that it has sent, sooner or later: it wants to be elected.
        func frame() async -> [UInt8] {
            while true {
                if let frame = sent.frames.withLock({ $0.first }) { return frame }
                await Task.yield()
            }
        }

        /// Returns once it has refused so many frames.
        func hasCounted(_ count: Int) async -> Int {
            while (store.memberStatus?.faultCount ?? 0) < count { await Task.yield() }
            return store.memberStatus?.faultCount ?? 0
        }
    }

    private final class Refused: Sendable {
        private let refusals = Mutex<[String]>([])
        var told: [String] { refusals.withLock { $0 } }
        func note(_ refusal: FrameRefusal) { refusals.withLock { $0.append("\(refusal)") } }
    }

    @Test func isRefusedByName() async throws {
        let (ours, theirs) = (Refused(), Refused())
        let member = try Member(founders: ["n0", "n1"], refused: ours)
        let stranger = try Member(founders: ["n0", "n1", "n2"], refused: theirs)
        let frame = await stranger.frame()
        for _ in 0..<5 { member.store.receive(frame: frame, from: "n2") }
        #expect(await member.hasCounted(5) == 5)
        // Each is counted; the operator is told once.
        #expect(ours.told.count == 1)
        #expect(ours.told.first?.hasPrefix("member n2 is of another cluster (number ") == true)
        #expect(ours.told.first?.contains("check its --initial-cluster") == true)
    }

    @Test func ofAKindThatIsNotKnownIsRefused() async throws {
        let refused = Refused()
        let member = try Member(founders: ["n0", "n1"], refused: refused)
        let status = try #require(member.store.memberStatus)
        let frame = PeerFrame(
            cluster: status.cluster,
            message: RaftMessage(
                from: MemberID(1), to: MemberID(status.me), term: Term(1), body: .staleTerm))
        // The kind is a byte of its own: that of `staleTerm` becomes one that comes later.
        var bytes = frame.encoded()
        let tag = try #require(bytes.indices.last { bytes[$0] == 5 << 3 })
        #expect(bytes[tag + 1] == 10)
        bytes[tag + 1] = 100
        member.store.receive(frame: bytes, from: "n1")
        member.store.receive(frame: [1, 2, 3], from: "n1")
        #expect(await member.hasCounted(2) == 2)
        #expect(refused.told.count == 2)
        #expect(
            refused.told.first?.hasPrefix("member n1 sends frames of kind 100, which this version")
                == true)
        #expect(refused.told.last?.hasPrefix("member n1 sends frames that cannot be read") == true)
    }
}
