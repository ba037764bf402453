internal import Checksum
internal import StoreCore
internal import StoreSimulator

/// Term, vote and entries, in memory and in one file of records: length, checksum over what
/// follows and over the checksum before, kind, numbers, payload. A record of a place that is
/// there already makes void what was there from that place on.
struct ReferenceLog {
    struct Entry {
        var term: UInt64
        var payload: [UInt8]
    }

    static let fileBytes = 1 << 20
    static let name = "log"

    private(set) var term: UInt64 = 0
    private(set) var vote: MemberNumber?
    private var entries: [Entry] = []
    /// Where in the log the members changed, and to what; the first is what the cluster began with.
    private(set) var memberships: [(place: Int, members: ReferenceMembership)]
    /// Through which entry the disk has the log.
    private(set) var durable = 0
    /// Whether what was found on the disk is known to be there for good.
    private(set) var isReady = false

    private let defect: ReferenceMachine.Defect?
    private var end = 0
    private var checksum: UInt32 = 0
    private var unwritten: [UInt8] = []
    /// Counts the records, to know which of them a sync has reached.
    private var recordCount = 0
    private var held: [(record: Int, to: MemberNumber, bytes: [UInt8])] = []
    private var syncing: (ticket: DiskTicket, record: Int, last: Int)?
    private var ticketCount: UInt64 = 0

    init(_ disk: SimulatedDisk, _ boot: Boot<ReferenceMachine.Defect>, _ effects: inout Effects) {
        defect = boot.defect
        memberships = [(0, ReferenceMembership(voters: boot.founders))]
        if disk.byteCount(of: Self.name) == Self.fileBytes {
            disk.withBytes(of: Self.name) { scan($0) }
        } else {
            command(.create(Self.name, bytes: Self.fileBytes), &effects)
        }
        guard defect != .startTrustsTheCache || end == 0 else {
            (isReady, durable) = (true, entries.count)
            return
        }
        if defect != .directoryIsNotSynced { command(.syncDirectory, &effects) }
        command(.sync(Self.name), &effects)
        syncing = (DiskTicket(ticketCount), 0, entries.count)
    }

    private mutating func command(_ command: DiskCommand, _ effects: inout Effects) {
        ticketCount += 1
        effects.disk.append((DiskTicket(ticketCount), command))
    }

    // MARK: Entries

    var last: Int { entries.count }
    var isFull: Bool { end + unwritten.count > Self.fileBytes }
    func term(at place: Int) -> UInt64 { place == 0 ? 0 : entries[place - 1].term }
    func payload(at place: Int) -> [UInt8] { entries[place - 1].payload }

    func entries(from place: Int, countMax: Int) -> [Entry] {
        Array(entries.dropFirst(place - 1).prefix(countMax))
    }

    var membership: ReferenceMembership { memberships[memberships.count - 1].members }

    mutating func append(term: UInt64, _ payload: [UInt8]) {
        add(Entry(term: term, payload: payload))
        record(kind: 2, term, UInt64(entries.count), payload)
    }

    private mutating func add(_ entry: Entry) {
        entries.append(entry)
        guard let members = ReferenceMembership(entry.payload) else { return }
        memberships.append((entries.count, members))
    }

    private mutating func remove(from place: Int) {
        entries.removeSubrange((place - 1)...)
        while let last = memberships.last, last.place >= place { memberships.removeLast() }
    }

    mutating func truncate(from place: Int) {
        remove(from: place)
        durable = min(durable, place - 1)
        // What is on its way to the disk does not count for what takes its place.
        if let last = syncing?.last { syncing?.last = min(last, place - 1) }
    }

    mutating func note(term: UInt64, vote: MemberNumber?) {
        (self.term, self.vote) = (term, vote)
        record(kind: 1, term, vote?.number ?? 0, [])
    }

    // MARK: Disk

    private mutating func record(
        kind: UInt8, _ first: UInt64, _ second: UInt64, _ payload: [UInt8]
    ) {
        var body: [UInt8] = [kind]
        body.add(first)
        body.add(second)
        body += payload
        checksum = crc32c(body.raw, from: checksum)
        unwritten.add(UInt64(body.count) << 32 | UInt64(checksum))
        unwritten += body
        recordCount += 1
    }

    private mutating func scan(_ bytes: [UInt8]) {
        while let head = bytes.number(at: end) {
            let (length, sum) = (Int(head >> 32), UInt32(truncatingIfNeeded: head))
            guard length >= 17, end + 8 + length <= bytes.count else { return }
            let body = Array(bytes[end + 8..<end + 8 + length])
            let isGood = crc32c(body.raw, from: checksum) == sum
            guard isGood || defect == .recordsAreNotChecked else { return }
            guard let first = body.number(at: 1), let second = body.number(at: 9) else { return }
            if body[0] == 1 {
                (term, vote) = (first, second == 0 ? nil : MemberNumber(second))
            } else {
                let place = Int(truncatingIfNeeded: second)
                guard place >= 1, place <= entries.count + 1 else { return }
                remove(from: place)
                add(Entry(term: first, payload: Array(body[17...])))
                term = max(term, first)
            }
            checksum = sum
            end += 8 + length
        }
    }

    /// Writes what has come together, if the disk is idle.
    mutating func flush(_ effects: inout Effects) {
        guard isReady, syncing == nil, !unwritten.isEmpty, !isFull else { return }
        command(.write(Self.name, offset: end, unwritten), &effects)
        command(.sync(Self.name), &effects)
        syncing = (DiskTicket(ticketCount), recordCount, entries.count)
        end += unwritten.count
        unwritten.removeAll(keepingCapacity: true)
    }

    /// Takes note of a command that is done. Returns whether more is durable.
    mutating func finish(_ ticket: DiskTicket, _ effects: inout Effects) -> Bool {
        guard let done = syncing, done.ticket == ticket else { return false }
        syncing = nil
        isReady = true
        durable = max(durable, done.last)
        while let first = held.first, first.record <= done.record {
            effects.messages.append((.member(first.to), first.bytes))
            held.removeFirst()
        }
        return true
    }

    mutating func send(
        _ message: ReferenceMessage, to member: MemberNumber, afterSync: Bool,
        _ effects: inout Effects
    ) {
        let isDurable = unwritten.isEmpty && syncing == nil
        if isDurable || !afterSync {
            effects.messages.append((.member(member), message.bytes))
        } else {
            held.append((recordCount, member, message.bytes))
        }
    }
}

extension [UInt8] {
    mutating func add(_ number: UInt64) {
        for shift in 0..<8 { append(UInt8(truncatingIfNeeded: number >> UInt64(8 * shift))) }
    }

    func number(at offset: Int) -> UInt64? {
        guard offset + 8 <= count else { return nil }
        var number: UInt64 = 0
        for place in 0..<8 { number |= UInt64(self[offset + place]) << UInt64(8 * place) }
        return number
    }
}
