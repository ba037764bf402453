import SchedulerEngine
import SchedulerScript
import Testing

@Suite struct TheSchedulerEngine {
    @Test(arguments: try Case.load("filters"))
    func filters(_ example: Case) throws {
        #expect(try Script.play(example.script) == example.expected)
    }

    @Test(arguments: try Case.load("queue"))
    func queues(_ example: Case) throws {
        #expect(try Script.play(example.script) == example.expected)
    }
}

@Suite struct RequestsOfAPod {
    private func asks(_ milliCPU: Int64, sidecar: Bool = false) -> ContainerRequests {
        ContainerRequests(ResourceAmounts(milliCPU: milliCPU), isSidecar: sidecar)
    }

    @Test func areTheSumOfItsContainersOrItsLargestInitContainer() {
        let sum = PodRequests(containers: [asks(100), asks(200)], initContainers: [asks(250)])
        #expect(sum.exact.milliCPU == 300)
        let largest = PodRequests(containers: [asks(100)], initContainers: [asks(250), asks(50)])
        #expect(largest.exact.milliCPU == 250)
    }

    @Test func includeSidecarsFromTheirStartOn() {
        let early = PodRequests(containers: [asks(100)],
                                initContainers: [asks(50, sidecar: true), asks(500)])
        #expect(early.exact.milliCPU == 550)
        let late = PodRequests(containers: [asks(100)],
                               initContainers: [asks(500), asks(50, sidecar: true)])
        #expect(late.exact.milliCPU == 500)
    }

    @Test func includeOverheadAndGiveWayToThoseOfThePodAsAWhole() {
        let overhead = ResourceAmounts(milliCPU: 7, memoryBytes: 11)
        #expect(PodRequests(containers: [asks(100)], overhead: overhead).exact
            == ResourceAmounts(milliCPU: 107, memoryBytes: 11))
        let whole = PodRequests(containers: [asks(100)], overhead: overhead, podLevel: asks(40))
        #expect(whole.exact.milliCPU == 47)
    }

    @Test func countForScoresEvenIfThereAreNone() {
        let none = PodRequests(containers: [asks(0), asks(50)])
        #expect(none.exact.milliCPU == 50)
        #expect(none.scoringMilliCPU == 150)
        #expect(none.scoringMemoryBytes == 400 << 20)
    }
}

@Suite struct DecisionsOfTheEngine {
    /// A cluster and pods from one number, and where the pods went.
    private func placements(seed: UInt64, tieSeed: UInt64) -> [Placement] {
        var random = SplitMix(state: seed)
        var engine = SchedulerEngine(.init(seed: tieSeed))
        for number in 0..<40 {
            engine.upsert(NodeDescription(
                name: "node-\(number)", labels: [NodeDescription.zoneLabel: "z\(number % 3)"],
                allocatable: ResourceAmounts(milliCPU: 4000, memoryBytes: 8 << 30, pods: 20)))
        }
        var placements: [Placement] = []
        for number in 0..<300 {
            let requests = ResourceAmounts(milliCPU: Int64(random.next() % 8) * 50)
            engine.upsert(PodDescription(
                name: PodName("default", "pod-\(number)"), uid: "\(number)",
                requests: PodRequests(containers: [ContainerRequests(requests)])), now: .zero)
            while case .bind(let placement) = engine.next(now: .zero) {
                placements.append(placement)
            }
        }
        return placements
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func areTheSameForTheSameSeed(seed: UInt64) {
        let first = placements(seed: seed, tieSeed: 7)
        #expect(first.count == 300)
        #expect(first == placements(seed: seed, tieSeed: 7))
        #expect(first != placements(seed: seed, tieSeed: 8))
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
