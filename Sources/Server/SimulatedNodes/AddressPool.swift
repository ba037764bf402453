import Kubernetes
import Wire

/// The pods' addresses of one node: which pod has which number, 1 to 254.
struct AddressPool: Sendable {
    static let numberMax = 254

    private var numbers: [String: Int] = [:]
    private var taken: Set<Int> = []
    private var next = 1

    /// The number of a pod, by its uid: the one it has, the one that `wanted` names, or the next
    /// that is free. Nil if all are taken.
    mutating func take(_ uid: String, wanted: Int?) -> Int? {
        if let number = numbers[uid] { return number }
        guard taken.count < Self.numberMax else { return nil }
        var number = wanted ?? next
        while taken.contains(number) || !(1...Self.numberMax).contains(number) {
            number = next
            next = next % Self.numberMax + 1
        }
        numbers[uid] = number
        taken.insert(number)
        return number
    }

    mutating func release(_ uid: String) {
        guard let number = numbers.removeValue(forKey: uid) else { return }
        taken.remove(number)
    }
}
