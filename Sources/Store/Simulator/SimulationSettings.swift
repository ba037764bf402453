/// What kind of world to simulate. With the seed it determines everything that happens.
package struct SimulationSettings: Sendable {
    /// Members that found the cluster.
    package var members = 3
    /// Nodes besides, for members that are added.
    package var sparesMax = 2
    package var clients = 4
    /// The longest time from tick to tick; some seeds take a quarter of it.
    package var tickMicroseconds: Int64 = 100_000
    package var electionTicks = 10
    /// For how long things go wrong.
    package var chaosSeconds: Int64 = 30
    /// What may go wrong; a seed takes some of it.
    package var faults = Set(FaultKind.allCases)
    /// How much rarer faults are than a seed has them.
    package var faultRestFactor: Int64 = 1
    /// How much rarer members do what need not be done at a certain time.
    package var restFactor = 1
    /// Whether ticks of which nothing comes are left out.
    package var leavesTicksOut = true
    /// A client's longest rest between two calls.
    package var restMicrosecondsMax: Int64 = 200_000
    /// Whether clients call while something goes wrong, however rarely they do otherwise.
    package var clientsComeAtFaults = false
    /// A client gives a call up after this.
    package var callMicrosecondsMax: Int64 = 2_000_000

    /// Many clients, who call often and have little patience: leaders that are cut off, or new, have
    /// much under way.
    package mutating func makeBusy() {
        (clients, restMicrosecondsMax, callMicrosecondsMax) = (10, 20_000, 300_000)
    }

    /// Clients who ask again before a disk that stalls, or a leader that is cut off, can answer.
    package mutating func makeHasty() {
        makeBusy()
        callMicrosecondsMax = 100_000
    }

    /// Many clients, who wait for their answers until whoever has them is found out to be of no use.
    package mutating func makePatient() {
        makeBusy()
        callMicrosecondsMax = 4_000_000
    }

    /// Clients that call now and then, for a long time.
    package mutating func makeLeisurely() {
        restMicrosecondsMax = 2_000_000
        chaosSeconds *= 4
    }

    /// A cluster as it mostly is: clients that call every few seconds or minutes, and minutes between
    /// two faults, for two hours. What grows with time shows, and what happens once in many days.
    ///
    /// Each seed has a pace of its own, and members that are as far apart as operators tell them by
    /// the time between two heartbeats.
    package mutating func makeLong(seed: UInt64) {
        var random = SeededRandom(seed: mixed(seed))
        chaosSeconds *= 240
        restMicrosecondsMax = random.spread(10_000_000...600_000_000)
        faultRestFactor = random.spread(30...600)
        restFactor = Int(min(restMicrosecondsMax / 200_000, 600))
        clientsComeAtFaults = random.chance(permille: 700)
        tickMicroseconds = random.spread(100_000...1_000_000)
        electionTicks = random.pick([10, 10, 20])
        callMicrosecondsMax = random.spread(500_000...10_000_000)
        silenceMicrosecondsMax = 300_000_000
    }

    /// Lets as much happen as otherwise, within up to sixteen times as long: each seed has a pace of
    /// its own, as what goes wrong in a hurry is not what goes wrong at leisure.
    package mutating func drawPace(seed: UInt64) {
        var random = SeededRandom(seed: mixed(seed))
        let factor = random.spread(1...16)
        chaosSeconds *= factor
        faultRestFactor *= factor
        restMicrosecondsMax *= factor
        restFactor *= Int(factor)
        tickMicroseconds = random.spread(tickMicroseconds...4 * tickMicroseconds)
        if clients > 4 { clients = Int(random.spread(4...Int64(clients))) }
    }

    package init(members: Int = 3) {
        self.members = members
        if members == 1 { sparesMax = 0 }
    }

    /// The longest time that a follower waits before it calls an election, at least.
    var electionMicroseconds: Int64 { tickMicroseconds * Int64(electionTicks) }
    /// Within this, every client has to get on once a majority is well.
    var progressMicrosecondsMax: Int64 { 10 * electionMicroseconds }
    /// So many ticks may the first members wait for each other, from when they start.
    static let foundingTicks: Int64 = 110
    /// Within this, all members have to be equal once everything is well: members may have to be
    /// replaced, one after the other.
    var settlingMicrosecondsMax: Int64 { 40 * electionMicroseconds }
    /// The operator asks again after this.
    var stepMicrosecondsMax: Int64 { 20 * tickMicroseconds }
    /// How long it takes until the observer looks whether to give up history.
    var observerMicroseconds: Int64 { max(500_000, 5 * restMicrosecondsMax / 2) }
    /// A client looks for another member if a watch has been silent for this long.
    package var silenceMicrosecondsMax: Int64 = 3_000_000

    /// How often watches are told that nothing has happened.
    func progressTicks(_ tickMicroseconds: Int64) -> Int {
        max(10, Int(silenceMicrosecondsMax / (3 * tickMicroseconds)))
    }
}
