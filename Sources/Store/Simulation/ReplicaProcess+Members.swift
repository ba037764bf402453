internal import Raft
internal import Replica
internal import StoreCore
internal import StoreSimulator

// What a member says to others besides consensus: that it begins, and that it wants another number.
// As the server's writing thread does.

/// How far the log has been read through in search of damage.
struct ScrubWork {
    var last: UInt32 = 0
    var isSound = true
}

extension ReplicaProcess {
    var address: String { ClusterMembers.Address(place: boot.place).peer }

    func beginAmongMembers() {
        addresses = MemberAddresses(founders: identity.founders)
        exchange = ExchangeWork()
        founding = Founding(
            of: member, in: identity.founders.membership, life: identity.life,
            lives: identity.lives, hasBegun: identity.log == .begun)
        takesPart = identity.log == .begun
        resumeExchange()
    }

    func resumeExchange() {
        guard let running else { return }
        exchange.resume(identity, running.replica, at: .init(place: boot.place))
    }

    // MARK: Messages

    func envelope(to member: MemberID) -> MemberFrame.Envelope {
        MemberFrame.Envelope(cluster: Self.cluster, from: self.member, to: member)
    }

    /// Where a member is found, if that is known.
    func place(of member: MemberID) -> Int? {
        guard let running else { return nil }
        return addresses.address(of: member, in: running.replica.members).flatMap { Int($0) }
    }

    func send(_ frame: MemberFrame) {
        guard let place = place(of: frame.envelope.to) else { return }
        send(frame, to: place)
    }

    private func send(_ frame: MemberFrame, to place: Int) {
        out.messages.append((.place(place), [Limits.memberFrame] + frame.encoded()))
    }

    /// Whether a frame is for this member, as it is now.
    func takes(_ frame: MemberFrame) throws(StoreError) -> Bool {
        let envelope = frame.envelope
        guard envelope.cluster == Self.cluster, takesPart, let running else { return false }
        if exchange.isLetIn(by: envelope, running.replica) {
            giveUp(.damaged("let in anew"))
            throw .closed
        }
        return envelope.to == member
    }

    func receive(_ bytes: [UInt8]) throws(StoreError) {
        let frame: MemberFrame
        do throws(PeerFrameError) {
            frame = try MemberFrame(bytes.raw.extracting(1..<bytes.count))
        } catch { return }
        if case .founding(let envelope, let statement) = frame {
            return take(statement, envelope)
        }
        let isForMe = try takes(frame)
        switch frame {
        case .exchange(let envelope, let wish) where isForMe || envelope.to == .anybody && takesPart:
            take(wish, envelope)
        case .snapshot(let envelope, let message) where isForMe:
            try take(message, from: envelope.from)
        default: break
        }
    }

    /// What cannot be read is lost, as messages may be.
    func payloads(of message: RaftMessage) throws(StoreError) -> [EntryPayload]? {
        try unlessDamaged { process throws(StoreError) in
            try process.running?.replica.payloads(of: message, process.files)
        } ?? nil
    }

    /// Nil if what is to be read is damaged: the others are asked for another number, and this
    /// member goes on meanwhile.
    func unlessDamaged<Value>(
        _ body: (ReplicaProcess) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        do throws(StoreError) { return try body(self) } catch {
            guard case .damaged = error else { throw error }
            note(error)
            return nil
        }
    }

    // MARK: Founding

    func tickFounding() {
        // Who has just begun says nothing before that is on disk.
        guard founding?.hasBegun == false, let verdict = founding?.tick() else { return }
        follow(verdict)
    }

    private func take(_ statement: FoundingStatement, _ envelope: MemberFrame.Envelope) {
        // What is being written is not said yet.
        guard takesPart == founding?.hasBegun, identityWork.underway.isEmpty, let running,
            let (verdict, answers) = founding?.take(
                statement, from: envelope.from, isFresh: running.replica.isFresh)
        else { return }
        if takesPart, let lives = founding?.lives, identity.lives != lives {
            // The other asks again.
            identity.lives = lives
            return writeIdentity(.nothing)
        }
        if answers { state(to: envelope.from, at: statement.address) }
        follow(verdict)
    }

    private func follow(_ verdict: Founding.Verdict) {
        switch verdict {
        case .wait: break
        case .ask:
            let founders = identity.founders.addresses.sorted { $0.key < $1.key }
            for (founder, place) in founders where founder != member {
                state(to: founder, at: place.peer)
            }
        case .begin:
            (identity.log, identity.lives) = (.begun, founding?.lives ?? [:])
            writeIdentity(.takePart)
        case .lost(let number):
            guard canBeSpared else { return }
            if number != member { identity.replaced = [number] }
            giveUp(.lost)
        }
    }

    private func state(to founder: MemberID, at address: String) {
        guard let running, let founding, let place = Int(address) else { return }
        let known = takesPart ? running.replica.number(at: address) : nil
        let statement = founding.statement(to: founder, address: self.address, number: known)
        send(.founding(envelope(to: .anybody), statement), to: place)
    }

    // MARK: Damage

    var canBeSpared: Bool { running?.replica.canBeSpared(identity) ?? false }

    private func newNumber() -> MemberID { MemberID(1_000_000 + random.next() % 1_000_000_000) }

    /// Damage has been found. Nothing wrong has been read; this member goes on until the others let
    /// it in again.
    func note(_ error: StoreError) {
        guard case .damaged(let file, let found) = error, !isEnding,
            exchange.note(file: file, offset: found.offset)
        else { return }
        settleOnNumber()
        // Its disk is not worth it any more.
        if !identity.mayBeExchanged { halt(error) }
    }

    private func settleOnNumber() {
        guard let running, canBeSpared, exchange.lacksWish(running.replica) else { return }
        identity.successor = identity.successor ?? newNumber()
        writeIdentity(.ask)
    }

    func tickExchange() {
        guard let running else { return }
        exchange.noteMembership(running.replica)
        if exchange.wish == nil, exchange.hasFound, identityWork.underway.isEmpty {
            settleOnNumber()
        }
        switch exchange.tick(running.replica) {
        case .wait: break
        case .handOver: _ = running.replica.transferLeadership(to: nil, &core, &effects)
        case .giveUp:
            guard canBeSpared else { return }
            sayFarewell()
            giveUp(.damaged("nobody takes over"))
        case .ask(let leader, let wish): send(.exchange(envelope(to: leader), wish))
        case .askAll(let wish):
            let others = running.replica.members.addresses.sorted { $0.key < $1.key }
            for (other, address) in others where other != member {
                guard let place = Int(address.peer) else { continue }
                send(.exchange(envelope(to: .anybody), wish), to: place)
            }
        }
    }

    private func take(_ wish: MemberExchange, _ envelope: MemberFrame.Envelope) {
        guard let running else { return }
        switch running.replica.answer(to: wish, envelope) {
        case .none: break
        case .passOn(let leader): send(.exchange(self.envelope(to: leader), wish))
        case .propose(_, let changes, let addresses):
            _ = running.replica.propose(changes, addresses: addresses, &core, &effects)
        }
    }

    // MARK: Giving up

    func sayFarewell() {
        for message in running?.replica.farewell() ?? [] { send(message, []) }
    }

    /// This number says nothing more. The directory is another's from now on.
    func giveUp(_ cause: GivingUp) {
        guard !isEnding, let running else { return }
        beNext(running.replica.contacts(without: identity.successor), cause)
    }

    private func beNext(_ contacts: [MemberID: ClusterMembers.Address], _ cause: GivingUp) {
        identityWork.isEnding = true
        snapshot.receiver = nil
        identity = identity.givingUp(for: newNumber(), contacts: contacts)
        let old = disk.names.filter { $0.hasPrefix(SimulatedFiles.setAside) }
        issue(old.map { .remove($0) })
        writeIdentity(.giveUp(cause))
    }

    /// An error has kept a call from being carried out: no other can be made.
    func end(after error: StoreError) {
        // What comes of calls that were under way does not matter any more.
        guard !isEnding else { return }
        guard case .damaged(let file, let found) = error, identityWork.isKnown else {
            return halt(error)
        }
        if running != nil {
            guard canBeSpared else { return halt(error) }
            sayFarewell()
            return giveUp(.damaged("\(file): \(found)"))
        }
        guard identity.mayBeExchanged, let contacts = contactsInLog() else { return halt(error) }
        beNext(contacts, .damaged("\(file): \(found)"))
    }

    /// Where others are, as far as a damaged log tells.
    private func contactsInLog() -> [MemberID: ClusterMembers.Address]? {
        var survey = MembersSurvey(identity.founders)
        for sequence in SimulatedFiles(disk).sequences {
            disk.withBytes(of: files.name(of: sequence)) { survey.take(segment: $0.raw) }
        }
        return survey.contacts(without: member)
    }

    // MARK: Scrubbing

    var ticksPerScrub: Int { habits.ticksPerScrub * boot.restFactor }

    /// Reads a segment through now and then. Whatever damaged an earlier log does not count any
    /// more once all of this one has been found sound.
    func tickScrub() throws(StoreError) {
        guard tickCount % ticksPerScrub == 0, let end = running?.replica.writtenEnd else {
            return
        }
        guard let sequence = files.sequences.first(where: { $0 > scrub.last }) else {
            if scrub.isSound, scrub.last > 0 { noteSound() }
            return scrub = ScrubWork()
        }
        scrub.last = sequence
        guard sequence <= end.segment else { return }
        do throws(StoreError) {
            try check(sequence, to: sequence < end.segment ? .max : end.offset)
        } catch {
            scrub.isSound = false
            note(error)
        }
    }

    private func check(_ sequence: UInt32, to end: Int) throws(StoreError) {
        let (header, name) = (try files.header(of: sequence), files.name(of: sequence))
        try files.withSegment(sequence) { bytes throws(StoreError) in
            do throws(LogDamage) {
                var scrub = SegmentScrub(of: header)
                try scrub.take(bytes.extracting(0..<min(end, bytes.byteCount)))
                try scrub.finish()
            } catch { throw StoreError.damaged(file: name, error) }
        }
    }

    private func noteSound() {
        guard !identity.replaced.isEmpty, !exchange.hasFound, let running, running.replica.isMember
        else { return }
        identity.replaced = []
        writeIdentity(.nothing)
    }
}
