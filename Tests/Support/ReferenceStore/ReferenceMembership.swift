internal import StoreSimulator

/// Who votes and who learns. It changes by one member at a time, and holds from where it stands in
/// the log on, committed or not (Ongaro, *Consensus* (2014), chapter 4).
struct ReferenceMembership: Equatable {
    var voters: [MemberNumber]
    var learners: [MemberNumber] = []

    var everybody: [MemberNumber] { voters + learners }
    var majority: Int { voters.count / 2 + 1 }

    init(voters: [MemberNumber]) { self.voters = voters }

    /// Nil if the change is in effect already.
    func applying(_ change: MemberChange) -> ReferenceMembership? {
        var next = self
        switch change {
        case .addLearner(let member, _):
            if !everybody.contains(member) { next.learners.append(member) }
        case .promote(let member):
            next.learners.removeAll { $0 == member }
            if !voters.contains(member) { next.voters.append(member) }
        case .remove(let member):
            next.learners.removeAll { $0 == member }
            next.voters.removeAll { $0 == member }
        case .transferLeadership: return nil
        }
        return next == self ? nil : next
    }

    // As an entry of the log: a zero, then the numbers of voters, a zero, and those of learners.

    var payload: [UInt8] {
        var bytes: [UInt8] = [0]
        for member in voters { bytes.add(member.number) }
        bytes.add(0)
        for member in learners { bytes.add(member.number) }
        return bytes
    }

    init?(_ payload: [UInt8]) {
        guard payload.first == 0 else { return nil }
        let numbers = stride(from: 1, to: payload.count, by: 8).compactMap {
            payload.number(at: $0)
        }
        let parts = numbers.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        voters = parts[0].map { MemberNumber($0) }
        learners = parts[1].map { MemberNumber($0) }
    }
}
