internal import Raft
internal import Replica
package import StoreCore

/// Makes the store of a new cluster out of a backup.
///
/// The new log has what was alive at the backup's revision, copied change by change, and nothing
/// else of the old one: no history, no members, no votes. Its revisions go on above all that
/// clients of the old cluster may have seen, and history before is given up, so that whoever
/// watches or lists from an old revision is told to begin anew.
package struct Restoration: Sendable {
    /// What no client has seen: 10,000 writes a second for a day after the backup are fewer.
    package static let revisionsSkippedDefault: Int64 = 1_000_000_000

    /// Members of the new cluster; empty for one member that expects no others.
    package var founders: [ClusterOptions.Founder]
    /// The name of the one whose store this is.
    package var name: String
    /// Tells clusters apart that are made of the same backup with the same members.
    package var token: String
    /// Revisions that are left out after the backup's.
    package var revisionsSkipped: Int64

    package init(
        founders: [ClusterOptions.Founder] = [], name: String = "", token: String = "",
        revisionsSkipped: Int64 = revisionsSkippedDefault
    ) {
        precondition(revisionsSkipped >= 0, "revisions go up")
        (self.founders, self.name) = (founders, name)
        (self.token, self.revisionsSkipped) = (token, revisionsSkipped)
    }

    /// What was made.
    package struct Made: Sendable {
        package var cluster: UInt64
        package var member: UInt64
        package var keys: Int
        package var revision: Revision
        package var bytes: Int
    }

    /// Makes the store's directory, which appears when all of it is on disk.
    ///
    /// - Parameter progress: Told now and then how many keys are done, of how many.
    /// - Throws: ``LogProblem``, if there is a store already, above all; or the backup is damaged.
    package func run(
        from backup: OfflineLog, to directory: String, disk: any Disk = PosixDisk(),
        progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) throws(LogProblem) -> Made {
        try checkIsFree(directory)
        let found = try backup.replayed()
        try backup.checkChecksum()
        let revision = try found.core.revision.skipping(revisionsSkipped, in: backup.path)
        let identity = identity(of: backup.fingerprint, revision: revision)
        let working = directory + Self.workingSuffix
        let restoring: Restoring
        do throws(StoreError) {
            try Self.remove(working, disk)
            restoring = Restoring(
                directory: try Directory(working), disk: disk, identity: identity,
                revision: revision)
        } catch {
            throw LogProblem(error, in: working)
        }
        let made = try restoring.run(backup, found.core, progress)
        do throws(StoreError) {
            try OfflineFiles.removeEmptyDirectory(directory)
            try disk.rename(working, to: directory)
            try disk.syncDirectory(Directory.parent(of: directory))
        } catch {
            throw LogProblem(error, in: directory)
        }
        return made
    }

    /// Of the name that the store has until all of it is on disk.
    private static let workingSuffix = ".restoring"

    private func checkIsFree(_ directory: String) throws(LogProblem) {
        guard OfflineFiles.exists(directory) else { return }
        do throws(StoreError) {
            guard try !Directory.names(in: directory).isEmpty else { return }
        } catch {
            throw LogProblem(error, in: directory)
        }
        throw LogProblem(
            .unusable, directory, "there is a store in it already",
            remedy: "Name another --data-dir, or move this one away")
    }

    /// Removes what an interrupted attempt has left.
    static func remove(_ directory: String, _ disk: any Disk) throws(StoreError) {
        guard OfflineFiles.exists(directory) else { return }
        for name in try Directory.names(in: directory) { try disk.remove(directory + "/" + name) }
        try OfflineFiles.removeEmptyDirectory(directory)
    }

    /// The new cluster. Several founders have to agree on numbers that nobody gives them, so these
    /// follow from all that they are told.
    private func identity(of backup: UInt64, revision: Revision) -> IdentityFile {
        guard !founders.isEmpty else {
            let member = MemberID(.random(in: 1 ... .max))
            return IdentityFile(
                member: member,
                founders: ClusterMembers(
                    cluster: .random(in: 1 ... .max), membership: Membership(voters: [member])))
        }
        let list = founders.map { "\($0.name)=\($0.peerAddress)" }.sorted().joined(separator: ",")
        let cluster = ClusterOptions.number(of: "restored \(backup) \(revision) \(token) \(list)")
        let numbers = founders.map { ClusterOptions.memberID(of: $0.name, cluster: cluster) }
        let addresses = founders.map {
            ClusterMembers.Address(name: $0.name, peer: $0.peerAddress)
        }
        return IdentityFile(
            member: ClusterOptions.memberID(of: name, cluster: cluster),
            founders: ClusterMembers(
                cluster: cluster, membership: Membership(voters: numbers),
                addresses: Dictionary(uniqueKeysWithValues: zip(numbers, addresses))))
    }
}

extension Revision {
    /// The revision so many after this one.
    func skipping(_ count: Int64, in path: String) throws(LogProblem) -> Revision {
        let (sum, isTooFar) = number.addingReportingOverflow(count)
        guard !isTooFar else {
            throw LogProblem(
                .unusable, path, "revision \(self) cannot go up by \(count)", remedy: "Skip fewer")
        }
        return Revision(sum)
    }
}

/// A store's directory in the making.
struct Restoring {
    let directory: Directory
    let disk: any Disk
    let identity: IdentityFile
    let revision: Revision

    private static let keysBetweenReports = 8192

    func run(
        _ backup: some LentSegments, _ core: borrowing StoreState,
        _ progress: (_ done: Int, _ of: Int) -> Void
    ) throws(LogProblem) -> Restoration.Made {
        let live = core.segmentUses.values.reduce(0) { $0 + $1.liveBytes }
        var files = try reporting { () throws(StoreError) in
            var identity = identity
            identity.log = .begun
            try IdentityFiles(directory: directory, disk: disk).write(identity)
            return try RestoredFiles(directory, disk, liveBytes: live)
        }
        var log = FreshLog(
            in: files.newest.header, of: identity.member, members: identity.founders,
            revision: revision)
        var done = 0
        try backup.forEachChange(in: .all, at: core.revision, of: core) {
            change, bytes throws(LogProblem) in
            try reporting { () throws(StoreError) in
                if !log.fits(changeOf: change.stride) {
                    try files.roll(&log, for: change.stride)
                }
                log.append(change: bytes.extracting(change.offset..<change.offset + change.stride))
                if let write = log.takeLarge() { try files.carryOut(write) }
            }
            done += 1
            if done % Self.keysBetweenReports == 0 { progress(done, core.keyCount) }
        }
        for id in core.leaseIDs {
            guard let lease = core.lease(id) else { continue }
            try reporting { () throws(StoreError) in
                if !log.fits(changeOf: 0) { try files.roll(&log, for: 0) }
                log.append(
                    lease: id, milliseconds: lease.milliseconds, remaining: lease.remaining)
            }
        }
        let last = log.take()
        try reporting { () throws(StoreError) in
            if let last { try files.carryOut(last) }
            try files.sync()
        }
        progress(done, done)
        return Restoration.Made(
            cluster: identity.founders.cluster, member: identity.member.number, keys: done,
            revision: revision, bytes: files.bytes)
    }

    private func reporting<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(LogProblem) -> Result {
        do throws(StoreError) { return try body() } catch {
            throw LogProblem(error, in: directory.path)
        }
    }
}

/// The segments of a store in the making.
private struct RestoredFiles {
    private let directory: Directory
    private var options = StoreOptions()
    private let segmentBytes: Int
    private var segments: [Segment] = []

    init(_ directory: Directory, _ disk: any Disk, liveBytes: Int) throws(StoreError) {
        self.directory = directory
        options.disk = disk
        segmentBytes = SegmentPlan.fileBytes(
            logBytes: liveBytes, atLeast: 0, min: options.segmentBytesMin,
            max: options.segmentBytesMax)
        try make(segmentBytes)
    }

    var newest: Segment { segments[segments.count - 1] }
    var bytes: Int { segments.reduce(0) { $0 + $1.header.fileBytes } }

    private mutating func make(_ bytes: Int) throws(StoreError) {
        let maker = SegmentMaker(directory: directory, options: options)
        segments.append(
            try maker.make(UInt32(segments.count + 1), bytes: bytes, isWritten: false))
    }

    /// Goes on in another segment, which has room for a change of so many bytes.
    mutating func roll(_ log: inout FreshLog, for change: Int) throws(StoreError) {
        try make(max(segmentBytes, log.segmentBytes(for: change)))
        try carryOut(log.roll(to: newest.header))
    }

    func carryOut(_ write: FreshLog.Write) throws(StoreError) {
        let segment = segments[Int(write.segment) - 1]
        try options.disk.write(write.bytes.raw, to: segment.descriptor, at: write.offset)
    }

    func sync() throws(StoreError) {
        for segment in segments { try options.disk.sync(segment.descriptor) }
        try options.disk.syncDirectory(directory.path)
    }
}
