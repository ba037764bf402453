internal import Replica
internal import StoreCore

/// What is told to one who waits.
struct GivenAnswer: Sendable {
    let completion: Completion
    let result: Result<Decision, StoreError>
}

/// Who waits for the replica's answers. A ticket is a place here, used again once it is answered.
struct WaitingCalls {
    private var completions: [Completion?] = []
    private var free: [Int] = []

    mutating func add(_ completion: @escaping Completion) -> ProposalTicket {
        if let place = free.popLast() {
            completions[place] = completion
            return ProposalTicket(place)
        }
        completions.append(completion)
        return ProposalTicket(completions.count - 1)
    }

    /// Whoever holds the ticket, which is good for nothing afterwards.
    mutating func take(_ ticket: ProposalTicket) -> Completion {
        guard let completion = completions[ticket.number] else {
            preconditionFailure("a ticket is answered once")
        }
        completions[ticket.number] = nil
        free.append(ticket.number)
        return completion
    }

    /// Everyone; none of the tickets is good for anything afterwards.
    mutating func takeAll() -> [Completion] {
        defer { (completions, free) = ([], []) }
        return completions.compactMap { $0 }
    }
}
