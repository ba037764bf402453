/// An amount of a resource that only some nodes have, such as `example.com/gpu` or hugepages.
public struct ExtendedAmount: Hashable, Sendable {
    public var name: String
    public var amount: Int64

    public init(_ name: String, _ amount: Int64) {
        self.name = name
        self.amount = amount
    }
}

/// What a node offers or a pod asks for, in whole units.
public struct ResourceAmounts: Hashable, Sendable {
    public var milliCPU: Int64
    public var memoryBytes: Int64
    public var ephemeralStorageBytes: Int64
    /// Number of pods; for nodes only.
    public var pods: Int64
    /// Sorted by name, each name once.
    public private(set) var extended: [ExtendedAmount]

    public init(milliCPU: Int64 = 0, memoryBytes: Int64 = 0, ephemeralStorageBytes: Int64 = 0,
                pods: Int64 = 0, extended: [ExtendedAmount] = []) {
        self.milliCPU = milliCPU
        self.memoryBytes = memoryBytes
        self.ephemeralStorageBytes = ephemeralStorageBytes
        self.pods = pods
        self.extended = []
        for resource in extended { self[resource.name] = resource.amount }
    }

    /// The amount of an extended resource; setting adds the name if it is new.
    public subscript(name: String) -> Int64 {
        get { extended.first { $0.name == name }?.amount ?? 0 }
        set {
            let place = extended.firstIndex { $0.name >= name } ?? extended.count
            if place < extended.count, extended[place].name == name {
                extended[place].amount = newValue
            } else {
                extended.insert(ExtendedAmount(name, newValue), at: place)
            }
        }
    }

    /// Adds another set of amounts; a sum that would not fit stays at the largest number.
    public mutating func add(_ other: ResourceAmounts) {
        combine(with: other) { $0.addingSaturating($1) }
    }

    /// Raises each amount to at least that of another set.
    public mutating func raise(to other: ResourceAmounts) { combine(with: other, by: max) }

    private mutating func combine(with other: ResourceAmounts, by merge: (Int64, Int64) -> Int64) {
        milliCPU = merge(milliCPU, other.milliCPU)
        memoryBytes = merge(memoryBytes, other.memoryBytes)
        ephemeralStorageBytes = merge(ephemeralStorageBytes, other.ephemeralStorageBytes)
        pods = merge(pods, other.pods)
        for resource in other.extended {
            self[resource.name] = merge(self[resource.name], resource.amount)
        }
    }
}

extension Int64 {
    /// The sum, or the nearest number that can be represented: amounts come from users.
    func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
