import StoreCore
import StoreHistory

/// A store whose answers are recorded, behind whatever API it has. Nothing here throws: whatever
/// goes wrong is an answer, and if it is not certain that a call has not happened, it is unknown.
protocol RecordedStore: Sendable {
    /// How many members can be asked.
    var memberCount: Int { get }
    /// What the answers tell, and how.
    var traits: StoreTraits { get }

    /// Makes room for keys that nobody has used.
    ///
    /// - Returns: The newest revision, at which there are none of these; nil if it took too long.
    func prepare(_ keys: Keys, until deadline: ContinuousClock.Instant) async -> Revision?
    func perform(_ call: Call, at member: Int) async -> Reply
    /// Watches until the watch ends or the task is cancelled.
    func watch(
        _ call: WatchCall, at member: Int, deliver: @Sendable (WatchRecord.Content) -> Void
    ) async
    func shutdown() async
}

struct StoreTraits: Sendable {
    /// Whether transactions have several steps, and answers all that the store knows.
    var isWhole: Bool
    /// Whether nobody else writes, so that every revision can be accounted for.
    var isOurs: Bool
}

/// The keys of a run: `PREFIX-COLLECTION/NUMBER`, so that a collection is a range of them.
struct Keys: Sendable {
    let prefix: String
    let collections: Int
    let keysPerCollection: Int

    var scope: KeyRange { .prefix(Array("\(prefix)-".utf8)) }

    func collection(_ number: Int) -> String { "\(prefix)-\(number)" }

    func range(_ number: Int) -> KeyRange { .prefix(Array((collection(number) + "/").utf8)) }

    func random(using chance: inout Chance) -> [UInt8] {
        let name = "n\(chance.below(keysPerCollection))"
        return Array("\(collection(chance.below(collections)))/\(name)".utf8)
    }
}

/// Random numbers that a seed decides (SplitMix64).
struct Chance: Sendable {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// True once in `times`.
    mutating func once(in times: Int) -> Bool { below(times) == 0 }
}
