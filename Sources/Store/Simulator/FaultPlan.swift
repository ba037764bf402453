internal import StoreHistory

/// What goes wrong in one world, and how often: some kinds of faults and not others, as a world in
/// which everything goes wrong at once hides what a few faults alone would show.
struct FaultPlan {
    /// What the seed has chosen.
    let kinds: [FaultKind]
    /// Nodes whose disks may lie: fewer than half.
    let frail: [Int]
    let restMicroseconds: ClosedRange<Int64>
    /// How much longer some messages take than others when nothing is wrong, so that elections
    /// and replication overlap in some worlds.
    let calmJitterMicroseconds: Int64
    let tickMicroseconds: Int64
    let interruptsSnapshots: Bool
    /// Whether one node is down most of the time, so that all that is done needs every other.
    let keepsOneAway: Bool
    /// Whether leaders are cut off from the others, again and again.
    let deposes: Bool
    /// How many times in a thousand a process ends just when names of files are to become durable.
    let nameCrashPermille: Int
    /// Whether elections are called again and again, and those who vote in them go down.
    let contests: Bool
    /// How many of a thousand clients stay with the node that they talk to, whatever it says.
    let loyalPermille: Int
    /// How many times in a thousand the observer gives up history, when it looks.
    let compactionPermille: Int
    /// How many values in a thousand are large.
    let largePermille: Int
    let segmentBytes: Int
    /// Whether the disk of a leader that is cut off may be slow besides.
    let maySlowDisks: Bool
    /// Whether members come to hold something else than the others.
    let disturbs: Bool
    /// How long clients' leases are, in milliseconds; nil if they have none.
    let leaseMilliseconds: ClosedRange<Int64>?
    /// Whether founders come one after the other, and things go wrong before they are there.
    let foundsSlowly: Bool
    /// Whether the clock of a leader that is cut off may be slow.
    let maySkewClocks: Bool
    /// Whether entries of a leader may be lost before it is cut off, and heartbeats not.
    let mayLoseLarge: Bool
    /// Whether a member is added when everything is well again: it gets all that the others have.
    let addsLast: Bool
    /// Whether bits of what it gets have flipped.
    let rotsLast: Bool
    /// Whether one node stays down until a majority alone has got on.
    let leavesOneDown: Bool

    init(
        _ settings: SimulationSettings, tolerated: Set<FaultKind>, _ random: inout SeededRandom,
        disturbing memoryRandom: inout SeededRandom
    ) {
        var possible = FaultKind.allCases.filter { kind in
            settings.faults.contains(kind) && tolerated.contains(kind)
                && (settings.members > 1 || !kind.needsOthers)
        }
        // It has times, and chances, of its own.
        disturbs =
            possible.contains(.stateDiverged) && settings.members > 2
            && memoryRandom.chance(permille: 400)
        possible.removeAll { [.stateDiverged, .founderLost, .exchanged, .leaseExpired].contains($0) }
        let permille = random.pick([100, 250, 500, 800])
        let chosen = possible.filter { _ in random.chance(permille: permille) }
        kinds = chosen
        let hasLeases = tolerated.contains(.leaseExpired)
            && settings.faults.contains(.leaseExpired) && memoryRandom.chance(permille: 600)
        let lease = memoryRandom.pick([
            1_000...3_000, 2_000...10_000, 5_000...30_000,
        ] as [ClosedRange<Int64>])
        leaseMilliseconds = hasLeases ? lease : nil
        foundsSlowly = settings.members > 1 && random.chance(permille: 400)
        let crashes = chosen.contains(.crash) || chosen.contains(.powerLoss)
        keepsOneAway = settings.members > 2 && crashes && random.chance(permille: 350)
        interruptsSnapshots = chosen.contains(.snapshotInterrupted)
        let rest = random.pick([
            20_000...600_000, 200_000...2_000_000, 1_000_000...5_000_000,
        ] as [ClosedRange<Int64>])
        let factor = settings.faultRestFactor
        restMicroseconds = rest.lowerBound * factor...rest.upperBound * factor
        // Files are moved most where little else ends processes.
        let nameCrash = random.pick(crashes ? [0, 150, 400] : [0, 50, 150])
        let isRare = max(1, Int(factor) / settings.restFactor)
        nameCrashPermille = possible.contains(.powerLoss) ? nameCrash / isRare : 0
        contests =
            settings.members > 2 && possible.contains(.voterCrash)
            && (chosen.contains(.voterCrash) || random.chance(permille: 100))
        // Where votes take long, candidates meet.
        calmJitterMicroseconds = random.pick(
            contests ? [1000, 30_000, 80_000] : [1000, 1000, 30_000])
        tickMicroseconds = random.pick([
            settings.tickMicroseconds, settings.tickMicroseconds / 4,
        ])
        var frail: [Int] = []
        for _ in 0..<((settings.members - 1) / 2) {
            let rest = (0..<settings.members).filter { !frail.contains($0) }
            frail.append(random.pick(rest))
        }
        self.frail = frail
        leavesOneDown = settings.members > 2 && random.chance(permille: 300)
        deposes =
            possible.contains(.deposition) && settings.members > 2
            && (chosen.contains(.deposition) || random.chance(permille: 500))
        loyalPermille = random.pick(deposes ? [0, 300, 600] : [0, 0, 300])
        compactionPermille = random.pick([80, 400])
        largePermille = random.pick([100, 100, 400, 800])
        segmentBytes = random.pick([48, 48, 24, 24]) * 1024
        maySlowDisks = possible.contains(.slowDisk)
        maySkewClocks = possible.contains(.clockSkew)
        mayLoseLarge = possible.contains(.largeLost)
        rotsLast = possible.contains(.bitRot) && random.chance(permille: 700)
        addsLast = possible.contains(.memberAdded) && random.chance(permille: 500)
    }
}
