import StoreHistory
import StoreSimulator

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Many worlds, one after the other.
struct Simulate<Machine: SimulatedMachine> {
    let options: Options
    private let begun = Self.processorSeconds

    init(options: Options) { self.options = options }

    func run() throws {
        if options.isList { return list() }
        let defect = try options.defect.map { name in
            guard let defect = Machine.Defect.allCases.first(where: { "\($0)" == name }) else {
                throw UsageError(reason: "there is no defect \(name); see --list")
            }
            return defect
        }
        if options.isGate {
            guard let defect else { throw UsageError(reason: "--gate needs a --defect") }
            return try gate(defect)
        }
        let first = options.firstSeed ?? UInt64.random(in: 1...999_999_999)
        let count = options.seeds ?? (options.firstSeed == nil ? 100 : 1)
        var totals = SimulationTotals()
        var shown = ContinuousClock.now
        for place in 0..<UInt64(count) {
            let seed = first &+ place
            try note(current: seed)
            let world = World(
                of: Machine.self, seed: seed, settings: options.settings(seed), defect: defect,
                print: options.isTraced ? { Swift.print($0) } : nil)
            let report = world.run()
            totals.add(report, seed: seed)
            if !report.violations.isEmpty { try show(report, seed) }
            if ContinuousClock.now - shown > .seconds(1) {
                shown = .now
                progress(totals, of: count)
            }
        }
        clearProgress()
        summary(totals)
        if !totals.failed.isEmpty { exit(1) }
    }

    // MARK: What is shown

    private var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    private func progress(_ totals: SimulationTotals, of count: Int) {
        let text =
            "\(totals.seeds) of \(count) seeds, \(totals.failed.count) failed, "
            + "\(Self.round(totals.simulatedYears, 4)) simulated years, "
            + "\(Self.round(rate(totals), 0)) simulated seconds a second of CPU"
        tell(isTerminal ? "\r\u{1B}[K" + text : text + "\n")
    }

    private func clearProgress() { if isTerminal { tell("\r\u{1B}[K") } }

    private func tell(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Of one processor, as others may keep it busy as well.
    private var seconds: Double { Self.processorSeconds - begun }

    private static var processorSeconds: Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func rate(_ totals: SimulationTotals) -> Double {
        Double(totals.simulatedMicroseconds) / 1e6 / max(seconds, 1e-9)
    }

    private func show(_ report: SimulationReport, _ seed: UInt64) throws {
        clearProgress()
        print("seed \(seed): \(report.violations.count) violations")
        for violation in report.violations.prefix(3) { print(violation.text(report.history)) }
        let members = options.members.map { " --members \($0)" } ?? ""
        let defect = options.defect.map { " --defect \($0)" } ?? ""
        let seconds = options.seconds == 30 ? "" : " --seconds \(options.seconds)"
        let faults =
            options.only.sorted { $0.rawValue < $1.rawValue }.map {
                " --only '\($0.rawValue)'"
            }
            + options.without.sorted { $0.rawValue < $1.rawValue }.map {
                " --without '\($0.rawValue)'"
            }
        let kind = (options.isLong ? " --long" : "") + (options.isDense ? " --dense" : "")
        print(
            "again: tools/simulate --seed \(seed) --trace\(kind)\(members)\(seconds)\(defect)"
                + faults.joined())
        if let file = options.historyFile, let history = report.history {
            try save(history.text, file)
            print("its history is in \(file)")
        }
    }

    private func summary(_ totals: SimulationTotals) {
        print("seeds              \(totals.seeds)")
        print("seeds a CPU second \(Self.round(Double(totals.seeds) / seconds, 1))")
        print("simulated years    \(Self.round(totals.simulatedYears, 6))")
        print("simulated s a CPU s \(Self.round(rate(totals), 0))")
        print("events             \(totals.events)")
        print("operations checked \(totals.operations)")
        print("trace hash         \(String(totals.traceHash, radix: 16))")
        print("faults fired")
        for kind in FaultKind.allCases {
            print("  \(Self.padded(kind.rawValue, 40)) \(totals.faults[kind])")
        }
        let failed = totals.failed.prefix(20).map { "\($0)" }.joined(separator: " ")
        print(totals.failed.isEmpty ? "violations         none" : "failed seeds       \(failed)")
    }

    private func list() {
        if options.isGate {
            for defect in Machine.Defect.allCases { print("\(defect)") }
            return
        }
        print("faults")
        for kind in FaultKind.allCases {
            print("  \(kind.rawValue)\(Machine.tolerated.contains(kind) ? "" : " (not tolerated)")")
        }
        print("defects")
        for defect in Machine.Defect.allCases { print("  \(defect)") }
    }

    // MARK: Mutation gate

    /// Says in a line how many worlds it took to find the defect.
    private func gate(_ defect: Machine.Defect) throws {
        let first = options.firstSeed ?? 1
        let seedsMax = options.seeds ?? 200
        for count in 0..<UInt64(seedsMax) {
            let seed = first &+ count
            try note(current: seed)
            let world = World(
                of: Machine.self, seed: seed, settings: options.settings(seed), defect: defect)
            guard let violation = world.run().violations.first else { continue }
            let name = Self.padded("\(defect)", 34)
            return print("\(name) seed \(Self.padded("\(seed)", 6)) \(violation.name)")
        }
        print("\(Self.padded("\(defect)", 34)) NOT FOUND in \(seedsMax) seeds")
        exit(1)
    }

    // MARK: Files and figures

    private func note(current seed: UInt64) throws {
        if let file = options.currentFile { try save("\(seed)\n", file) }
    }

    private func save(_ text: String, _ file: String) throws {
        guard let stream = unsafe fopen(file, "w") else {
            throw UsageError(reason: "\(file) cannot be written")
        }
        defer { unsafe fclose(stream) }
        let bytes = Array(text.utf8)
        let written = unsafe bytes.withUnsafeBytes {
            unsafe fwrite($0.baseAddress, 1, $0.count, stream)
        }
        guard written == bytes.count else { throw UsageError(reason: "\(file) cannot be written") }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func round(_ number: Double, _ places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((number * scale).rounded())
        guard places > 0 else { return "\(scaled)" }
        let fraction = String(scaled % Int(scale))
        return "\(scaled / Int(scale))."
            + String(repeating: "0", count: places - fraction.count) + fraction
    }
}
