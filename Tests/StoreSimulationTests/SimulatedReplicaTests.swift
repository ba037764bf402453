import StoreCore
import StoreHistory
import StoreSimulation
import Testing

@testable import StoreSimulator

/// A member that is alone, on a disk that does what it is told when the test lets it.
private struct Member {
    let disk: SimulatedDisk
    private var machine: SimulatedReplica
    private var effects = Effects()
    private var random = SeededRandom(seed: 1)
    private var now = Moment(0)
    private var requestCount: UInt64 = 0
    private static let tickMicroseconds: Int64 = 25_000

    init(on disk: SimulatedDisk, seed: UInt64) {
        self.disk = disk
        let number = MemberNumber(1)
        let boot = Boot<SimulatedReplica.Defect>(
            member: number, founders: [number], seed: seed, now: now,
            tickMicroseconds: Self.tickMicroseconds, electionTicks: 10, segmentBytes: 24 * 1024)
        machine = SimulatedReplica(boot, disk: disk, effects: &effects)
    }

    /// Carries out what the disk is asked for, up to a command that is as `isLast` says, which is
    /// not. Returns whether there was one.
    @discardableResult
    mutating func runDisk(until isLast: (DiskCommand) -> Bool = { _ in false }) -> Bool {
        while !effects.disk.isEmpty {
            let (ticket, command) = effects.disk.removeFirst()
            if isLast(command) { return true }
            let result = disk.carryOut(command, &random).result
            take(.disk(ticket, result))
        }
        return false
    }

    mutating func pass(ticks: Int) {
        for _ in 0..<ticks {
            take(.tick)
            runDisk()
        }
    }

    /// What comes of a put of about a kilobyte.
    mutating func put() -> Reply? {
        requestCount += 1
        let value = [UInt8](repeating: 7, count: 1024)
        let transaction = Transaction(then: [.put(key: [1], value: value)])
        effects.answers = []
        take(.request(RequestNumber(requestCount), .call(.transact(transaction))))
        runDisk()
        pass(ticks: 1)
        guard case .reply(let reply)? = effects.answers.first?.answer else { return nil }
        return reply
    }

    private mutating func take(_ input: Input) {
        if case .tick = input { now.microseconds += Self.tickMicroseconds }
        machine.step(input, now: now, disk: disk, effects: &effects)
    }
}

@Suite("A simulated member of the store")
struct SimulatedReplicaTests {
    private static let reserves: Set = ["reserve-1", "reserve-2"]
    private static let noSpace = Reply.refused(.other("noSpace"))

    private func isDone(_ reply: Reply?) -> Bool {
        guard case .transacted? = reply else { return false }
        return true
    }

    /// Puts are refused while the disk is full, and no longer than that.
    private func expectPutsAgainAfterAFullDisk(_ member: inout Member) {
        member.pass(ticks: 100)
        // Enough to begin another segment, after which reserves are made.
        for _ in 0..<40 { #expect(isDone(member.put())) }
        #expect(Self.reserves.isSubset(of: member.disk.names))
        member.disk.isFull = true
        var replies: [Reply?] = []
        while replies.count < 100, replies.last != Self.noSpace { replies.append(member.put()) }
        #expect(replies.last == Self.noSpace)
        member.disk.isFull = false
        member.pass(ticks: 20)
        #expect(isDone(member.put()))
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func takesPutsAgainWhenTheDiskIsNotFullAnyMore(seed: UInt64) {
        var member = Member(on: SimulatedDisk(), seed: seed)
        member.runDisk()
        expectPutsAgainAfterAFullDisk(&member)
    }

    @Test(arguments: ["reserve-1", "reserve-2"], 1...4 as ClosedRange<UInt64>)
    func takesNoReserveForOneThatACrashLeftHalfMade(reserve: String, seed: UInt64) {
        let disk = SimulatedDisk()
        var crashed = Member(on: disk, seed: seed)
        let isMaking = crashed.runDisk {
            guard case .rename(_, to: reserve) = $0 else { return false }
            return true
        }
        #expect(isMaking)
        #expect(disk.names.contains(reserve + ".new"))

        var member = Member(on: disk, seed: seed)
        member.runDisk()
        #expect(!disk.names.contains(reserve + ".new"))
        expectPutsAgainAfterAFullDisk(&member)
    }
}
