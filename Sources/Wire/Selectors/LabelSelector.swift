/// What labels an object must have to be chosen: all of some requirements.
///
/// Made from `?labelSelector=`, from a `LabelSelector` object or from plain pairs.
public struct LabelSelector: Hashable, Sendable {
    /// How a label relates to a requirement's values.
    public enum Operator: Sendable {
        case equals, doubleEquals, notEquals, isIn, isNotIn, exists, doesNotExist
        case greaterThan, lessThan
    }

    /// One condition on one label.
    public struct Requirement: Hashable, Sendable {
        public let key: String
        public let `operator`: Operator
        /// Sorted, each once.
        public let values: [String]

        /// Takes key and values as they are; they must be sound.
        init(unchecked key: String, _ operator: Operator, _ values: [String]) {
            self.key = key
            self.operator = `operator`
            self.values = values
        }
    }

    /// In the order of their keys. An object must satisfy all.
    public let requirements: [Requirement]
    /// Chooses no object whatever its labels, as a selector does that is not there.
    public let isNothing: Bool

    init(_ requirements: [Requirement], isNothing: Bool = false) {
        self.requirements = requirements.sorted { $0.key.precedes($1.key) }
        self.isNothing = isNothing
    }

    public static let everything = LabelSelector([Requirement]())
    public static let nothing = LabelSelector([Requirement](), isNothing: true)

    /// Chooses objects that have all these labels, which must be sound.
    public init(_ labels: [String: String]) {
        self.init(labels.map { Requirement(unchecked: $0.key, .equals, [$0.value]) })
    }

    public var isEverything: Bool { requirements.isEmpty && !isNothing }
}

extension LabelSelector {
    /// Whether an object with these labels is chosen. O(requirements), no allocation.
    public func matches(_ labels: some LabelSource) -> Bool {
        !isNothing && requirements.allSatisfy { $0.matches(labels) }
    }

    /// The value that a label must have, if the selector demands exactly one.
    public func exactValue(of key: String) -> String? {
        guard let requirement = requirements.first(where: { $0.key == key }) else { return nil }
        switch requirement.operator {
        case .equals, .doubleEquals: return requirement.values.first
        case .isIn: return requirement.values.count == 1 ? requirement.values[0] : nil
        default: return nil
        }
    }
}

extension LabelSelector.Requirement {
    func matches(_ labels: some LabelSource) -> Bool {
        let value = labels.value(ofLabel: key)
        switch `operator` {
        case .equals, .doubleEquals, .isIn: return value.map(hasValue) ?? false
        case .notEquals, .isNotIn: return !(value.map(hasValue) ?? false)
        case .exists: return value != nil
        case .doesNotExist: return value == nil
        case .greaterThan, .lessThan: return value.map(compares) ?? false
        }
    }

    private func hasValue(_ text: some Collection<UInt8>) -> Bool {
        values.contains { $0.utf8.elementsEqual(text) }
    }

    private func compares(_ text: some Collection<UInt8>) -> Bool {
        guard let bound = values.first.flatMap({ Int64($0) }),
            let number = Int64(String(decoding: text, as: UTF8.self))
        else { return false }
        return `operator` == .greaterThan ? number > bound : number < bound
    }
}

extension LabelSelector: CustomStringConvertible {
    /// As `?labelSelector=` takes it.
    public var description: String { requirements.map(\.description).joined(separator: ",") }
}

extension LabelSelector.Requirement: CustomStringConvertible {
    public var description: String {
        let list = values.joined(separator: ",")
        switch `operator` {
        case .equals: return "\(key)=\(list)"
        case .doubleEquals: return "\(key)==\(list)"
        case .notEquals: return "\(key)!=\(list)"
        case .isIn: return "\(key) in (\(list))"
        case .isNotIn: return "\(key) notin (\(list))"
        case .exists: return key
        case .doesNotExist: return "!\(key)"
        case .greaterThan: return "\(key)>\(list)"
        case .lessThan: return "\(key)<\(list)"
        }
    }
}
