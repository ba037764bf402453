internal import Raft
internal import Replica
internal import StoreCore

/// Proposals that wait for a leader, or for its answer, at a member that does not lead.
struct Forwarding {
    struct Waiting {
        let proposal: Proposal
        let completion: Completion
        let deadline: ContinuousClock.Instant
    }

    private struct Answered {
        var waiting: Waiting
        var index: LogIndex
        var outcome: ForwardedAnswer.Outcome
    }

    /// They have been given to nobody.
    private var held: [Waiting] = []
    private var asked: [UInt64: (waiting: Waiting, leader: MemberID)] = [:]
    /// The leader has decided; our own log is not there yet.
    private var answered: [Answered] = []
    private var nextNumber = UInt64.random(in: 1 ... 1 << 62)

    /// A client is told within this that there is no leader.
    static let patience = Duration.seconds(5)
    private static let waitingMax = 65_536

    var isEmpty: Bool { held.isEmpty && asked.isEmpty && answered.isEmpty }

    /// Keeps a proposal until there is somebody to decide it. Returns whether there is room.
    mutating func hold(_ waiting: Waiting) -> Bool {
        guard held.count < Self.waitingMax else { return false }
        held.append(waiting)
        return true
    }

    mutating func takeHeld() -> [Waiting] {
        defer { held = [] }
        return held
    }

    /// Notes that the leader is asked. Returns the number of the question.
    mutating func ask(_ waiting: Waiting, of leader: MemberID) -> UInt64? {
        guard asked.count < Self.waitingMax else { return nil }
        nextNumber += 1
        asked[nextNumber] = (waiting, leader)
        return nextNumber
    }

    /// The leader has answered. Returns the proposal if it is to be told at once, or tried again.
    mutating func take(
        _ answer: ForwardedAnswer, to number: UInt64
    ) -> (waiting: Waiting, error: StoreError)? {
        guard let (waiting, _) = asked.removeValue(forKey: number) else { return nil }
        switch answer.result {
        case .failure(let error): return (waiting, error)
        case .success(let outcome):
            answered.append(Answered(waiting: waiting, index: answer.index, outcome: outcome))
            return nil
        }
    }

    /// Takes those whose answers our own log can give now, in the order of the log.
    mutating func takeAnswered(
        through index: LogIndex, _ core: borrowing StoreState
    ) -> [GivenAnswer] {
        var ready: [GivenAnswer] = []
        for answer in answered where answer.index <= index {
            let decision = core.decision(
                about: answer.waiting.proposal, at: answer.outcome.revision,
                succeeded: answer.outcome.succeeded, isLogged: answer.outcome.isLogged)
            ready.append(.init(completion: answer.waiting.completion, result: .success(decision)))
        }
        answered.removeAll { $0.index <= index }
        return ready
    }

    /// Takes those whose time is over, each with what is known of it.
    mutating func takeExpired(
        now: ContinuousClock.Instant
    ) -> [GivenAnswer] {
        var expired: [GivenAnswer] = []
        for waiting in held where waiting.deadline <= now {
            expired.append(.init(completion: waiting.completion, result: .failure(.noLeader)))
        }
        held.removeAll { $0.deadline <= now }
        for (number, question) in asked where question.waiting.deadline <= now {
            expired.append(
                .init(completion: question.waiting.completion, result: .failure(.outcomeUnknown)))
            asked[number] = nil
        }
        // They are committed; that our own log does not get there is another matter.
        for answer in answered where answer.waiting.deadline <= now {
            expired.append(
                .init(completion: answer.waiting.completion, result: .failure(.outcomeUnknown)))
        }
        answered.removeAll { $0.waiting.deadline <= now }
        return expired
    }

    /// Takes those that were asked of somebody else than the one who leads now: an answer may never
    /// come, and nobody knows better.
    mutating func takeAsked(exceptOf leader: MemberID) -> [Completion] {
        let lost = asked.filter { $0.value.leader != leader }
        for number in lost.keys { asked[number] = nil }
        return lost.values.map(\.waiting.completion)
    }

    mutating func takeAll() -> [Completion] {
        defer { (held, asked, answered) = ([], [:], []) }
        return held.map(\.completion) + asked.values.map(\.waiting.completion)
            + answered.map(\.waiting.completion)
    }
}
