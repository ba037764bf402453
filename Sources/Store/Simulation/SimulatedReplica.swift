internal import Raft
internal import Replica
internal import StoreCore
package import StoreHistory
package import StoreSimulator

/// The real store as a machine of a simulated world: the rooms `Raft`, `StoreCore` and `Replica` as
/// the server runs them, over a simulated disk and network.
package struct SimulatedReplica: SimulatedMachine {
    package typealias Defect = NoDefect

    package static let tolerated = Set(FaultKind.allCases)

    package typealias Observer = ReplicaObserver

    let process: ReplicaProcess

    package init(_ boot: Boot<Defect>, disk: SimulatedDisk, effects: inout Effects) {
        process = ReplicaProcess(boot, disk)
        process.run(at: boot.now, &effects) { process throws(StoreError) in try process.start() }
    }

    package mutating func step(
        _ input: Input, now: Moment, disk: SimulatedDisk, effects: inout Effects
    ) {
        process.run(at: now, &effects) { process throws(StoreError) in
            try process.take(input)
        }
    }

    package var calm: Calm? { process.calm }
    package mutating func pass(ticks: Int, now: Moment) { process.pass(ticks: ticks, now: now) }
}
