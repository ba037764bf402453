package import Raft
package import StoreCore

/// One member of a store: joins consensus, what the store holds and the bytes of the log.
///
/// The leader decides proposals against a state that runs ahead of what is committed, and their
/// outcome is the entry; the others append the leader's entries and apply them once committed. Both
/// ends in `publish`. Knows no files, threads, sockets or clocks: the caller carries out `Effects`,
/// writes what `beginWrite` returns, and says so with `synced`.
///
/// The state is the caller's, who may let others read it meanwhile; it is passed to each call.
package struct Replica: ~Copyable {
    package typealias Effects = ReplicaEffects

    package let id: MemberID
    package internal(set) var raft: RaftMember
    var actions = RaftActions()

    // MARK: The log's bytes

    /// Records in the making.
    package internal(set) var batch: LogBatch
    var header: SegmentHeader
    /// Whether the segment has no opening yet.
    package internal(set) var isUnopened: Bool
    /// Batches that end a segment, and wait to be written.
    var sealed: [Sealed] = []
    var table: EntryTable
    /// Writes begun and synced since the start.
    var writesBegun = 0
    var writesSynced = 0
    /// Where the write under way begins.
    var writingStart: LogPosition?
    /// What Raft is told when the write under way is on disk.
    var writing: EntryID?
    /// The term in which Raft last handed entries to the disk; none since the start at first: what
    /// was found may be taken back by a leader of the very term that was found with it.
    var appendedTerm: Term
    /// The newest entry that has been written to a file, and can be read there.
    var writtenIndex: LogIndex
    /// Sizes of entries that have been decided, and of which Raft is yet to be told.
    var proposed: [Int] = []
    /// Their sum.
    var proposedBytes = 0
    /// Where batches begin that hold entries not published yet, and the last entry of each.
    var unpublished: [(start: LogPosition, through: LogIndex)]

    // MARK: Deciding

    /// The state has every entry up to here: ahead of what is committed at a leader.
    var applied: LogIndex
    /// Everything up to here is committed, and readers may see it.
    package internal(set) var published: EntryID
    var committed: LogIndex
    /// Decided and not published yet, oldest first.
    var ahead = Ahead()
    /// Whether the leader's state has all entries, so that it can decide.
    package internal(set) var isDeciding = false
    /// The state has entries that became void: it is to be built up again.
    package internal(set) var needsRebuild = false

    // MARK: Waiting

    var messagesWaiting: [(write: Int, message: RaftMessage)] = []
    var localsWaiting: [Local] = []
    /// Reads and answers without an entry, which are good once the leader is known to lead.
    var readsWaiting: [ReadContext: Reading] = [:]
    var readsReady: [Reading] = []
    var nextRead: UInt64 = 1
    /// Whether all members hold the same.
    var comparison: StateComparison

    /// A batch that ends a segment.
    struct Sealed {
        var batch: LogBatch
        var start: LogPosition
        /// The last entry in it that counts.
        var through: LogIndex
        /// The term in which Raft handed that over.
        var term: Term
    }

    /// A proposal that concerns this member's files alone.
    struct Local {
        /// Not before this write is synced, and this entry published.
        var write: Int
        var index: LogIndex
        /// Nor before reads up to this one are answered: they speak of places in files.
        var read: UInt64 = 0
        var ticket: ProposalTicket
        var decision: Decision
        var retired: UInt32?
    }

    struct Reading {
        var number: UInt64 = 0
        var ticket: ProposalTicket
        var result: Result<Decision, StoreError>
        /// Not before this entry is published.
        var index: LogIndex
    }

    // MARK: Members

    /// The cluster's members as of the newest entry, and as of `published`.
    package internal(set) var members: ClusterMembers
    var membersPublished: ClusterMembers {
        didSet { statementBytes = Self.statementBytes(membersPublished) }
    }
    /// What stating them takes in the log; each proposal asks whether there is room.
    private(set) var statementBytes: Int
    var membersAhead: [(index: LogIndex, members: ClusterMembers)]
    /// Where members are to be found that a membership entry is about to name.
    var addressesAnnounced: [MemberID: ClusterMembers.Address] = [:]

    /// A member as its log was found.
    ///
    /// - Parameter seed: For the choice of election timeouts; another one at each start.
    package init(
        configuration: RaftConfiguration, recovered: consuming RecoveredLog, seed: UInt64
    ) {
        let position = recovered.position
        id = configuration.id
        appendedTerm = .none
        raft = RaftMember(
            configuration: configuration, hardState: recovered.hardState, log: recovered.log,
            committed: recovered.committed, seed: seed)
        header = recovered.header
        isUnopened = recovered.isUnopened
        batch = LogBatch(
            at: position, salt: recovered.header.salt, term: recovered.hardState.term,
            committed: recovered.committed)
        table = recovered.table
        (writtenIndex, applied) = (recovered.table.last, recovered.applied)
        committed = recovered.committed
        unpublished = recovered.unpublished
        published = recovered.published
        members = recovered.members
        membersPublished = recovered.membersPublished
        statementBytes = Self.statementBytes(recovered.membersPublished)
        membersAhead = recovered.membersAhead
        comparison = StateComparison(id: configuration.id)
    }

    private static func statementBytes(_ members: ClusterMembers) -> Int {
        LogStatement.byteCount(members.encoded())
    }

    /// Bytes of entries that are decided and not committed.
    var uncommittedBytes: Int { raft.uncommittedBytes + proposedBytes }

    /// Whether it can decide without asking anybody.
    package var isAlone: Bool {
        members.membership.voters == [id] && members.membership.outgoingVoters.isEmpty
    }

    /// The newest entry, committed or not.
    package var last: EntryID { batch.position.last }

    /// Where a replay has to begin to find everything that the state may lack: what is not
    /// published, and copies that readers are not referred to yet. A batch begins there.
    package var replayPosition: LogPosition {
        let position = unpublished.first?.start ?? writingStart ?? nextStart
        return position.telling(ofNoMoreThan: published)
    }

    /// How far the log has been written.
    package var writtenEnd: LogPosition { nextStart }

    /// Where the next write begins.
    var nextStart: LogPosition { sealed.first?.start ?? batch.start }

    /// The oldest segment that holds an entry which is not published, or that is not written to its
    /// end.
    package var firstNeededSegment: UInt32 {
        let unwritten = (writingStart ?? nextStart).segment
        return min(table[published.index.next]?.place.segment ?? unwritten, unwritten)
    }
}

/// What a replay of a log found out, besides the state.
package struct RecoveredLog: Sendable {
    package var header: SegmentHeader
    package var position: LogPosition
    package var isUnopened: Bool
    package var table: EntryTable
    package var log: RaftLog
    package var hardState: HardState
    package var committed: LogIndex
    package var applied: LogIndex
    package var members: ClusterMembers
    package var membersPublished: ClusterMembers
    package var membersAhead: [(index: LogIndex, members: ClusterMembers)]
    /// Where batches begin that hold entries not applied yet, and the last entry of each.
    package var unpublished: [(start: LogPosition, through: LogIndex)] = []

    /// The last entry that the state has.
    package var published: EntryID {
        EntryID(index: applied, term: log.term(at: applied) ?? .none)
    }

    /// Where a replay has to begin, as ``Replica/replayPosition``, before there is a replica.
    package var replayPosition: LogPosition {
        (unpublished.first?.start ?? position).telling(ofNoMoreThan: published)
    }

    /// Whether nothing has ever been promised in it.
    package var isFresh: Bool { hardState == HardState() && log.lastIndex == .zero }

    /// - Parameter founders: The members of a log that does not name any.
    package init(
        _ replay: borrowing LogReplay, header: SegmentHeader, position: LogPosition,
        isUnopened: Bool, founders: ClusterMembers
    ) {
        (self.header, self.position, self.isUnopened) = (header, position, isUnopened)
        (table, hardState) = (replay.table, replay.hardState)
        (committed, applied) = (replay.committed, replay.applied)
        members = replay.members ?? founders
        membersPublished = replay.membersStated ?? founders
        membersAhead = replay.membershipEntries
        log = replay.log
        if replay.members == nil { log = RaftLog(membership: founders.membership) }
        while let next = membersAhead.first, next.index <= applied {
            membersPublished = next.members
            membersAhead.removeFirst()
        }
    }
}

extension LogPosition {
    /// The same place, for a checkpoint. Entries before it may have become void: the state has none
    /// of those, and is not to be taken for one that has.
    fileprivate func telling(ofNoMoreThan published: EntryID) -> LogPosition {
        guard last.index > published.index else { return self }
        var position = self
        position.last = published
        return position
    }
}
