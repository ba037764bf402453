import ReferenceStore
import StoreSimulation
import StoreSimulator

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Runs whole clusters in simulated worlds; tools/simulate says how to call it.
@main
struct Main {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            let options = try Options(arguments)
            if options.isReference {
                try Simulate<ReferenceMachine>(options: options).run()
            } else {
                try Simulate<SimulatedReplica>(options: options).run()
            }
        } catch let error as UsageError {
            print("simulate: \(error.reason)\n\(Options.usage)")
            exit(64)
        }
    }
}

struct UsageError: Error { var reason: String }

struct Options {
    static let usage = """
        usage: simulate [--seeds N] [--seed S] [--trace] [--members 1|3|5] [--seconds N]
                        [--only FAULT]... [--without FAULT]... [--defect NAME] [--gate]
                        [--history FILE] [--current FILE] [--reference] [--busy] [--long]
                        [--dense] [--every-tick] [--list]
          --seeds N       how many worlds to run (100; 1 with --seed)
          --seed S        the first seed (a fresh one)
          --trace         prints all that happens
          --members N     founders of the cluster (3, 5 or 1, by the seed)
          --seconds N     how long things go wrong in each world at the fastest pace (30; four
                          times as long in every fourth six, where clients take their time);
                          the seed lets as much happen within up to sixteen times as long
          --dense         everything at the fastest pace, as with --gate
          --only FAULT    a kind of fault that may strike, and no others; --list names them
          --without FAULT a kind of fault that may not
          --defect NAME   plants a defect into the store
          --gate          runs worlds until one finds the defect, and says in a line how many;
                          with --list, names the defects
          --history FILE  where to write the history of a world in which something is wrong
          --busy          many impatient clients, which are in every fourth six worlds otherwise
          --long          worlds of two hours, as clusters mostly are: clients that call every
                          few seconds or minutes, minutes between two faults
          --every-tick    leaves out no ticks of members, and sees whether those that come to
                          nothing do (slow)
          --reference     a plain store made to try the simulator, instead of the real one
          --list          names faults and defects
          --current FILE  holds the seed that is running, for when the program traps
        """

    var seeds: Int?
    var firstSeed: UInt64?
    var isTraced = false
    var members: Int?
    var seconds: Int64 = 30
    var only: Set<FaultKind> = []
    var without: Set<FaultKind> = []
    var defect: String?
    var isGate = false
    var historyFile: String?
    var currentFile: String?
    var isList = false
    var isReference = false
    var isBusy = false
    var isLong = false
    var isDense = false
    var isEveryTick = false

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            switch name {
            case "--seeds": seeds = try Self.number(name, &rest)
            case "--seed": firstSeed = try Self.number(name, &rest)
            case "--trace": isTraced = true
            case "--members": members = try Self.number(name, &rest)
            case "--seconds": seconds = try Self.number(name, &rest)
            case "--only": only.insert(try Self.fault(name, &rest))
            case "--without": without.insert(try Self.fault(name, &rest))
            case "--defect": defect = try Self.value(name, &rest)
            case "--gate": isGate = true
            case "--history": historyFile = try Self.value(name, &rest)
            case "--current": currentFile = try Self.value(name, &rest)
            case "--list": isList = true
            case "--reference": isReference = true
            case "--busy": isBusy = true
            case "--long": isLong = true
            case "--dense": isDense = true
            case "--every-tick": isEveryTick = true
            default: throw UsageError(reason: "\(name) is not known")
            }
        }
        guard (members ?? 1) > 0, (seeds ?? 1) > 0, seconds > 0 else {
            throw UsageError(reason: "numbers have to be positive")
        }
    }

    private static func value(_ name: String, _ rest: inout ArraySlice<String>) throws -> String {
        guard let value = rest.popFirst() else { throw UsageError(reason: "\(name) of what?") }
        return value
    }

    private static func number<Value: FixedWidthInteger>(
        _ name: String, _ rest: inout ArraySlice<String>
    ) throws -> Value {
        let text = try value(name, &rest)
        guard let number = Value(text) else {
            throw UsageError(reason: "\(name) \(text) is no number")
        }
        return number
    }

    private static func fault(
        _ name: String, _ rest: inout ArraySlice<String>
    ) throws -> FaultKind {
        let text = try value(name, &rest)
        guard let kind = FaultKind(rawValue: text) else {
            throw UsageError(reason: "there is no fault '\(text)'; see --list")
        }
        return kind
    }

    /// The world of a seed: nothing but the seed and what was asked for decides.
    func settings(_ seed: UInt64) -> SimulationSettings {
        var settings = SimulationSettings(members: members ?? [3, 5, 3, 5, 3, 1][Int(seed % 6)])
        settings.chaosSeconds = seconds
        switch seed / 6 % 4 {
        case _ where isBusy: settings.makeBusy()
        case _ where isLong: settings.makeLong(seed: seed)
        case 0: if seed / 24 % 2 == 0 { settings.makeBusy() } else { settings.makeHasty() }
        case 1 where seed / 24 % 2 == 0: settings.makePatient()
        case 2: settings.makeLeisurely()
        default: break
        }
        if !isLong, !isDense, !isGate { settings.drawPace(seed: seed) }
        settings.leavesTicksOut = !isEveryTick
        settings.faults = (only.isEmpty ? settings.faults : only).subtracting(without)
        return settings
    }
}
