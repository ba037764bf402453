internal import Raft
internal import Replica
internal import StoreCore
internal import StoreSimulator

// Who a member is, and how it begins: as the server does before it opens its log.

/// What is under way with the files that say who a member is.
struct IdentityWork {
    /// What to do once they say so.
    enum Next {
        case start, begin, takePart, ask, nothing
        case giveUp(GivingUp)
    }
    /// For those that are being written, and for those to be written then.
    var underway: [Next] = []
    var waiting: [Next] = []
    /// Whether nothing was ever promised in the log that was found.
    var isFresh = false
    /// Its number is given up: it says nothing more.
    var isEnding = false
    /// Whether it has read who it is.
    var isKnown = false
}

extension ClusterMembers.Address {
    init(place: Int) { self.init(name: "n\(place)", peer: "\(place)") }
}

extension ReplicaProcess {
    var isEnding: Bool { identityWork.isEnding }

    static func addresses(
        _ boot: Boot<SimulatedReplica.Defect>
    ) -> [MemberID: ClusterMembers.Address] {
        var addresses: [MemberID: ClusterMembers.Address] = [:]
        for (place, founder) in boot.founders.enumerated() {
            addresses[MemberID(founder.number)] = .init(place: place)
        }
        for contact in boot.contacts {
            addresses[MemberID(contact.member.number)] = .init(place: contact.place)
        }
        return addresses
    }

    /// Begins with what the disk holds.
    func start() throws(StoreError) {
        let texts = SimulatedFiles.identities.map { name -> [UInt8]? in
            guard let size = disk.byteCount(of: name), size > 0 else { return nil }
            return disk.read(name, 0..<size)
        }
        let found = texts.map { $0.flatMap { IdentityFile($0.raw) } }
        let file = SimulatedFiles.identities[0]
        if let read = found[0] ?? found[1] {
            identity = read
            if found[0] == nil || texts[0] != texts[1] { return writeIdentity(.start) }
            guard read.member == member else {
                guard read.replaced.contains(member) else {
                    throw .damaged(file: file, LogDamage(offset: 0, reason: .contents))
                }
                // An end has come between the new number and whoever would have been told of it.
                return end(as: .earlier)
            }
            identityWork.isKnown = true
            return try open()
        }
        guard texts.allSatisfy({ $0 == nil }) else {
            throw .damaged(file: file, LogDamage(offset: 0, reason: .contents))
        }
        guard files.sequences.isEmpty else {
            throw .damaged(file: file, LogDamage(offset: 0, reason: .missing))
        }
        writeIdentity(.start)
    }

    private func open() throws(StoreError) {
        if identity.log == .givenUp { return setAside() }
        if try finishInstallation() { return }
        removeStrays()
        guard files.sequences.isEmpty else { return try recover() }
        guard identity.log == .awaited else {
            throw .damaged(file: files.name(of: 1), LogDamage(offset: 0, reason: .missing))
        }
        makeSegment(1, bytes: boot.segmentBytes)
    }

    /// Takes the log of a number given up out of the way. Begins again where it was interrupted.
    private func setAside() {
        let commands = disk.names.filter(SimulatedFiles.isOfLog).map {
            DiskCommand.rename($0, to: SimulatedFiles.setAside + $0)
        }
        issue(commands + [.syncDirectory], .setAside)
    }

    func noteSetAside() {
        identity.log = .awaited
        files = SimulatedFiles(disk)
        writeIdentity(.start)
    }

    func noteFresh(_ begun: consuming RecoveredFiles) {
        identityWork.isFresh = true
        found = consume begun
        guard noteBegun() else { return }
        // There is no file that would have to be read.
        do throws(StoreError) { try beginWithFound() } catch { halt(error) }
    }

    /// From the moment at which a member says something, a log that is not there has been lost; one
    /// of the first says which disk it has. Returns whether that is on disk already.
    func noteBegun() -> Bool {
        let hasToFound =
            identity.founders.membership.voters.count > 1 && identityWork.isFresh
        guard identity.log == .awaited else { return true }
        if hasToFound {
            guard identity.life == 0 else { return true }
            identity.life = random.next() | 1
        } else {
            identity.log = .begun
        }
        writeIdentity(.begin)
        return false
    }

    // MARK: Writing

    /// Puts both files in place, one after the other, and goes on then.
    func writeIdentity(_ next: IdentityWork.Next) {
        identityWork.waiting.append(next)
        guard identityWork.underway.isEmpty else { return }
        beginIdentity()
    }

    private func beginIdentity() {
        (identityWork.underway, identityWork.waiting) = (identityWork.waiting, [])
        make(
            FileJob(
                name: SimulatedFiles.identities[0], contents: identity.encoded(),
                .identity(isCopy: false)))
    }

    func noteIdentity(_ job: FileJob, isCopy: Bool) throws(StoreError) {
        guard isCopy else {
            return make(
                FileJob(
                    name: SimulatedFiles.identities[1], contents: job.contents,
                    .identity(isCopy: true)))
        }
        let done = identityWork.underway
        identityWork.underway = []
        if !identityWork.waiting.isEmpty { beginIdentity() }
        for next in done { try goOn(next) }
    }

    private func goOn(_ next: IdentityWork.Next) throws(StoreError) {
        switch next {
        case .giveUp(let cause): end(as: cause)
        case _ where isEnding: break
        case .start: try start()
        case .begin: try beginWithFound()
        case .takePart: takesPart = true
        case .ask: resumeExchange()
        case .nothing: break
        }
    }

    private func end(as cause: GivingUp) {
        isHalted = true
        out.halt = .givenUp(MemberNumber(identity.member.number), cause)
    }
}
