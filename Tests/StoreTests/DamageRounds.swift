import Store
import StoreCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Flips bits anywhere in the files of three members, running or not, and looks what comes of it.
@Suite("Members whose files rot", .timeLimit(.minutes(60)))
struct DamageRounds {
    /// Set MARTLET_DAMAGE_ROUNDS for more.
    static var rounds: Int {
        guard let value = unsafe getenv("MARTLET_DAMAGE_ROUNDS") else { return 10 }
        return unsafe Int(String(cString: value)) ?? 10
    }

    @Test func areRepairedAndReadWrongByNobody() async throws {
        let cluster = try Cluster(3) { options in
            options.scrubbing.delay = .zero
            options.scrubbing.interval = .milliseconds(20)
            options.scrubbing.bytesPerSecond = 64 << 20
        }
        var rotting = Rotting(cluster)
        for _ in 0..<40 { try await rotting.write() }
        for round in 1...Self.rounds {
            try await rotting.round()
            guard round % 50 == 0 || round == Self.rounds else { continue }
            print("\(round) rounds: \(rotting.figures)")
        }
        #expect(rotting.figures.missed == [])
        #expect(rotting.figures.wrong == [])
    }
}

private struct Rotting {
    struct Figures: CustomStringConvertible {
        var foundAtStart = 0
        var foundRunning = 0
        var mended = 0
        var harmless = 0
        /// Damage in what the log says that nobody has noticed.
        var missed: [String] = []
        /// Reads that gave something else than was written.
        var wrong: [String] = []
        var reads = 0
        var refusedReads = 0
        var waits: [Duration] = []

        var description: String {
            let sorted = waits.sorted()
            let longest = sorted.last ?? .zero
            let median = sorted.isEmpty ? .zero : sorted[sorted.count / 2]
            return "\(foundAtStart) found by a start and \(foundRunning) by a running member, all "
                + "repaired from the others (\(median) at the median, \(longest) at most); "
                + "\(mended) in a file that has a copy, mended; \(harmless) in bytes that mean "
                + "nothing; \(missed.count) missed; \(reads) reads meanwhile, \(wrong.count) "
                + "wrong, \(refusedReads) refused"
        }
    }

    let cluster: Cluster
    var figures = Figures()
    /// What was acknowledged, and the newest revision.
    private var known: [String: String] = [:]
    private var revision = Revision.none
    private var written = 0

    init(_ cluster: Cluster) { self.cluster = cluster }

    /// Writes some keys; gives history up now and then.
    mutating func write() async throws {
        for _ in 0..<5 {
            written += 1
            let key = "k\(Int.random(in: 0..<80))"
            let value = "\(written) " + String(repeating: "v", count: .random(in: 0..<1500))
            revision = try await put(key, value)
            known[key] = value
        }
        guard written % 100 == 0 else { return }
        // Who leads may change meanwhile; then history is given up another time.
        let leader = try await cluster.leader()
        do throws(StoreError) { try await leader.compact(at: revision) } catch {}
    }

    /// Tries until it is known to have been written, by one leader or the next.
    private func put(_ key: String, _ value: String) async throws -> Revision {
        while true {
            let leader = try await cluster.leader()
            do throws(StoreError) { return try await leader.put(key, value) } catch { continue }
        }
    }

    // MARK: A round

    mutating func round() async throws {
        try await cluster.becomeWhole()
        try await write()
        try await cluster.becomeWhole()
        let (place, runs) = (Int.random(in: 0..<3), Bool.random())
        guard let store = cluster.store(place) else { throw StoreError.closed }
        let (number, told) = (store.memberStatus?.me, cluster.damage.count)
        if !runs { cluster.stop(store) }
        let target = try Target(in: cluster.scratches[place], runs: runs)
        try cluster.scratches[place].flip(target.file, at: target.offset)
        let begun = ContinuousClock.now
        if runs {
            let enough = store.scrubbedBytes + 3 * store.logBytes
            while cluster.damage.count == told, store.scrubbedBytes < enough { await read() }
        } else {
            try cluster.start(place)
        }
        try await write()
        guard cluster.damage.count > told else { return noteUnseen(target, place, number) }
        if runs { figures.foundRunning += 1 } else { figures.foundAtStart += 1 }
        while cluster.store(place)?.memberStatus?.me == number {
            try cluster.reopenIfWanted(place)
            await read()
        }
        try await cluster.becomeWhole()
        figures.waits.append(ContinuousClock.now - begun)
        try await compare()
    }

    private mutating func noteUnseen(_ target: Target, _ place: Int, _ number: UInt64?) {
        if target.isIdentity, cluster.store(place)?.memberStatus?.me == number {
            figures.mended += 1
        } else if target.isMeaningless {
            figures.harmless += 1
        } else {
            figures.missed.append("\(target)")
        }
    }

    /// Reads a key at some member, as it was at the newest revision.
    private mutating func read() async {
        await Task.yield()
        guard let store = cluster.stores.randomElement(), let (key, value) = known.randomElement()
        else { return }
        figures.reads += 1
        do throws(StoreError) {
            let found = try store.text(key, at: revision)
            if found != value { figures.wrong.append("\(key) at \(revision): \(found ?? "none")") }
        } catch {
            figures.refusedReads += 1
        }
    }

    /// All members have all that was acknowledged.
    private mutating func compare() async throws {
        for store in cluster.stores {
            try await store.confirmNewest()
            for (key, value) in known {
                figures.reads += 1
                let found = try store.text(key, at: revision)
                if found != value { figures.wrong.append("\(key): \(found ?? "none")") }
            }
        }
    }
}

/// A byte of a member's files.
private struct Target: CustomStringConvertible {
    var file: String
    var offset: Int
    /// Whether it lies behind all that the log says.
    var isMeaningless: Bool
    var isIdentity: Bool { file.hasPrefix("member") }
    var description: String { "byte \(offset) of \(file)" }

    /// Any byte of the log, each as likely as any other, or now and then of the identity.
    init(in scratch: Scratch, runs: Bool) throws {
        let names = try scratch.names()
        let segments = names.filter { $0.hasSuffix(".log") && !$0.hasPrefix("damaged") }
        if !runs, Int.random(in: 0..<20) == 0, let name = names.filter({ $0.hasPrefix("member") })
            .randomElement()
        {
            (file, isMeaningless) = (name, false)
            offset = .random(in: 0..<(try scratch.bytes(name).count))
            return
        }
        file = try #require(segments.randomElement())
        offset = .random(in: 0..<(try scratch.bytes(file).count))
        let records = try LogFilesOnDisk(scratch).records
        let name = file
        let end = records.last { $0.file == name }?.end ?? SegmentHeader.byteCount
        isMeaningless = offset >= end
    }
}
