internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

// A member that holds something else than a majority at the same revision stops at once, and is let
// in anew by the others like one whose log is damaged. What it holds came from its log, its
// checkpoint or its memory, and nobody can tell from which: so nothing of it is kept in use.

extension LogWriting {
    /// Tells of members that hold different things. This one ends if it is the one that differs.
    ///
    /// - Throws: ``StoreError/differs(revision:)`` if it may not be let in anew any more; what the
    ///   disk throws.
    mutating func noteFindings() throws(StoreError) {
        guard !effects.findings.isEmpty else { return }
        let findings = effects.findings
        effects.findings = []
        for finding in findings where cluster?.isEnding == false {
            shared.differencesFound.add(1, ordering: .relaxed)
            switch finding {
            case .thisMemberDiffers(let found):
                let next = canBeSpared ? identity.successor ?? .random() : nil
                cluster?.options.onDifference(
                    .thisMember(
                        revision: found.revision, sum: found.own, majority: found.majority,
                        successor: next?.number))
                guard let next else { throw .differs(revision: found.revision) }
                identity.successor = next
                sayFarewell()
                try giveUp()
            case .memberDiffers(let member, let found):
                cluster?.options.onDifference(
                    .member(
                        member.number, name: replica.members.addresses[member]?.name ?? "",
                        revision: found.revision, sum: found.own, majority: found.majority))
            case .indexChanged(let revision):
                cluster?.options.onDifference(.index(revision: revision))
            case .noMajority(let revision, let sums):
                let told = sums.map { ($0.key.number, $0.value) }
                cluster?.options.onDifference(
                    .noMajority(
                        revision: revision, sums: Dictionary(uniqueKeysWithValues: told)))
            }
        }
    }
}
