package import Raft
package import StoreCore

// Whether all members hold the same: see ``StateComparison``.

extension Replica {
    /// What a message to another member says besides.
    package func note(for message: RaftMessage) -> StateNote? { comparison.note(for: message) }

    /// The newest revision at which a majority was found to hold the same, as this member knows
    /// from when it led.
    package var revisionAgreed: Revision { comparison.agreed }

    mutating func tickComparison(_ core: inout StoreState, _ effects: inout Effects) {
        if core.recountKeys() { effects.findings.append(.indexChanged(core.published)) }
        guard raft.isLeader, raft.membership.members.count > 1 else { return }
        let finding = comparison.tick(
            term: raft.term, raft.membership, at: core.published, core.sum(at: core.published))
        if let finding { effects.findings.append(finding) }
    }

    /// A message of this term has come, with a note or without.
    mutating func take(
        _ note: StateNote?, with message: RaftMessage, _ core: borrowing StoreState,
        _ effects: inout Effects
    ) {
        guard message.term == raft.term else { return }
        switch (message.body, note?.content) {
        case (.heartbeat, let content) where raft.leader == message.from:
            let isQuestion = if case .question = content { true } else { false }
            comparison.noteQuestion(
                isQuestion ? note?.revision : nil, of: message.from, term: message.term)
            answerQuestion(core)
            guard let note else { return }
            let own = core.sum(at: note.revision)
            let finding = comparison.judge(own, note, raft.membership)
            if let finding { effects.findings.append(finding) }
        case (.heartbeatAnswer, .answer(let sum)) where raft.isLeader:
            guard let note else { return }
            effects.findings += comparison.take(
                sum, of: message.from, at: note.revision, term: raft.term, raft.membership)
        default: break
        }
    }

    /// Answers the leader's question once this member has come that far. What it has forgotten
    /// meanwhile is not answered.
    mutating func answerQuestion(_ core: borrowing StoreState) {
        guard let revision = comparison.questionOpen, let sum = core.sum(at: revision) else {
            return
        }
        comparison.answer(sum)
    }
}
