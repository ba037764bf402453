internal import Raft
internal import Replica
package import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Makes a member that is stopped the only one of a new cluster, with all that its log has: what is
/// done when the others are gone for good.
package struct Survival {
    /// What is there, and what is done with it.
    package struct Finding: Sendable {
        package var me: UInt64
        package var name: String
        package var cluster: UInt64
        package var members: [LogReport.Member]
        package var revision: Revision
        /// The newest entry that this log knows to be committed.
        package var committedIndex: UInt64
        /// The newest entry in it.
        package var lastIndex: UInt64
        package var term: UInt64
        /// Whether it is the only member already: nothing is to be done.
        package var isAlone: Bool
    }

    package let finding: Finding
    private let directory: Directory
    private let identity: IdentityFile
    private let options: StoreOptions

    /// Looks at the store in `path`, which no server may open meanwhile.
    ///
    /// - Throws: ``LogProblem``: there is none, it is in use, or damaged.
    package init(
        directory path: String, options: StoreOptions = StoreOptions()
    ) throws(LogProblem) {
        // Nothing may be made where there is no store.
        guard IdentityFiles.names.contains(where: { OfflineFiles.exists(path + "/" + $0) }) else {
            throw LogProblem(
                .unusable, path, "there is no store in this directory",
                remedy: "Name the data directory of the member that is left")
        }
        self.options = options
        do throws(StoreError) {
            directory = try Directory(path)
            try SalvageFolders(directory: directory, disk: options.disk).finish()
            identity = try IdentityFiles(directory: directory, disk: options.disk).open(options)
            try SnapshotFiles(directory: directory, disk: options.disk).finishInstallation()
        } catch {
            throw LogProblem(error, in: path)
        }
        guard identity.log != .givenUp else {
            throw LogProblem(
                .damaged, path, "the log was damaged, and waits for one from the others",
                remedy: "Take another member that is left, or restore a snapshot")
        }
        let found = try OfflineLog(locked: directory).replayed()
        let (log, members) = (found.log, found.log.members)
        finding = Finding(
            me: identity.member.number, name: members.addresses[identity.member]?.name ?? "",
            cluster: members.cluster, members: members.reported, revision: found.core.revision,
            committedIndex: log.committed.number, lastIndex: log.log.lastIndex.number,
            term: max(log.hardState.term, log.log.lastTerm).number,
            isAlone: members.membership == Membership(voters: [identity.member]))
    }

    /// Does it. If it is interrupted, it is done or not done, and can be done again. Of a member
    /// that is alone already only the identity is made to say so.
    ///
    /// - Parameter revisionsSkipped: How many revisions to leave out after the log's.
    /// - Returns: The new cluster's number.
    /// - Throws: ``LogProblem``.
    package func run(
        skipping revisionsSkipped: Int64 = Restoration.revisionsSkippedDefault
    ) throws(LogProblem) -> UInt64 {
        defer { directory.unlock() }
        let found = try OfflineLog(locked: directory).replayed(takesAll: true)
        let log = found.log
        guard !finding.isAlone else {
            try settle(log.members)
            return finding.cluster
        }
        var core = found.takeCore()
        let survivor = SoleSurvivor(
            member: identity.member, cluster: .random(in: 1 ... .max),
            revision: try core.revision.skipping(revisionsSkipped, in: directory.path))
        do throws(StoreError) {
            var next: Segment?
            if !log.isUnopened {
                let bytes = SegmentPlan.fileBytes(
                    logBytes: 0, atLeast: survivor.segmentBytes(log, core),
                    min: options.segmentBytesMin, max: options.segmentBytesMax)
                next = try SegmentMaker(directory: directory, options: options)
                    .make(log.header.sequence + 1, bytes: bytes, isWritten: true)
            }
            for write in survivor.writes(log, &core, next: next?.header) {
                try carryOut(write)
            }
        } catch {
            throw LogProblem(error, in: directory.path)
        }
        try settle(survivor.members(log))
        return survivor.cluster
    }

    /// Has the identity name the cluster that the log names: were the log damaged, nobody else is
    /// to be asked for it, and no other number to be taken.
    private func settle(_ members: ClusterMembers) throws(LogProblem) {
        var settled = identity
        (settled.founders, settled.successor, settled.log) = (members, nil, .begun)
        guard settled != identity else { return }
        do throws(StoreError) {
            try IdentityFiles(directory: directory, disk: options.disk).write(settled)
        } catch {
            throw LogProblem(error, in: directory.path)
        }
    }

    private func carryOut(_ write: SoleSurvivor.Write) throws(StoreError) {
        let descriptor = try options.disk.open(directory.segmentFile(write.segment))
        defer { close(descriptor) }
        try options.disk.write(write.bytes.raw, to: descriptor, at: write.offset)
        try options.disk.sync(descriptor)
    }
}
