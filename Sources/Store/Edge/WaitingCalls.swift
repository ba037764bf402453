internal import Replica
internal import StoreCore

/// What is told to one who waits.
struct GivenAnswer: Sendable {
    let completion: Completion
    let result: Result<Decision, StoreError>
}

/// Who waits for the replica's answers. A ticket is a place here, used again once it is answered.
struct WaitingCalls {
    private enum Place {
        case free
        /// Calls are counted, so that one is told from a later one in the same place.
        case waiting(Completion, call: UInt64)
        /// Whoever waited has been told that it took too long.
        case givenUp
    }

    private var places: [Place] = []
    private var free: [Int] = []
    private var callCount: UInt64 = 0
    /// Calls that do not wait for ever, in the order in which their time is over.
    private var patient: [(place: Int, call: UInt64, deadline: ContinuousClock.Instant)] = []
    /// At the beginning of `patient`, those that are answered.
    private var patientDone = 0

    /// - Parameter deadline: Not before that of an earlier call; nil for one that waits for ever.
    mutating func add(
        _ completion: @escaping Completion, until deadline: ContinuousClock.Instant? = nil
    ) -> ProposalTicket {
        callCount += 1
        let place = free.popLast() ?? places.count
        if place == places.count { places.append(.free) }
        places[place] = .waiting(completion, call: callCount)
        if let deadline {
            forgetAnswered()
            patient.append((place, callCount, deadline))
        }
        return ProposalTicket(place)
    }

    /// Whoever holds the ticket, which is good for nothing afterwards; nil if nobody waits any more.
    mutating func take(_ ticket: ProposalTicket) -> Completion? {
        defer {
            places[ticket.number] = .free
            free.append(ticket.number)
        }
        switch places[ticket.number] {
        case .free: preconditionFailure("a ticket is answered once")
        case .waiting(let completion, _): return completion
        case .givenUp: return nil
        }
    }

    /// Those who have waited for too long. Their tickets are still to be taken.
    mutating func takeExpired(now: ContinuousClock.Instant) -> [Completion] {
        var expired: [Completion] = []
        forgetAnswered()
        while patientDone < patient.count, patient[patientDone].deadline <= now {
            let next = patient[patientDone]
            if case .waiting(let completion, call: next.call) = places[next.place] {
                places[next.place] = .givenUp
                expired.append(completion)
            }
            patientDone += 1
        }
        return expired
    }

    /// Most are answered in the order in which they came, so few have to be kept.
    private mutating func forgetAnswered() {
        while patientDone < patient.count {
            let next = patient[patientDone]
            if case .waiting(_, call: next.call) = places[next.place] { break }
            patientDone += 1
        }
        guard patientDone > patient.count / 2 else { return }
        patient.removeFirst(patientDone)
        patientDone = 0
    }

    /// Everyone; none of the tickets is good for anything afterwards.
    mutating func takeAll() -> [Completion] {
        defer { (places, free, patient, patientDone) = ([], [], [], 0) }
        return places.compactMap { place in
            guard case .waiting(let completion, _) = place else { return nil }
            return completion
        }
    }
}
