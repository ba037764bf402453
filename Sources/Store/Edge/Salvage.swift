internal import Raft
internal import Replica
package import StoreCore

/// What can be read of a damaged log, and what cannot.
package struct SalvageReport: Sendable {
    /// A place that is not as it was written.
    package struct Place: Sendable {
        package var file: String
        /// In bytes from the beginning of the file; nil if it is not there at all.
        package var range: Range<Int>?
        package var reason: String
        /// One bit was flipped, and is known: nothing is lost.
        package var isMended: Bool
        /// What records it had, as far as that can be told.
        package var kinds: [RecordKind]
        /// Of what transactions it had changes.
        package var revisions: ClosedRange<Revision>?
        /// Whether it may have changed keys that nothing tells of.
        package var mayHideMore: Bool
        /// How many of the keys named have lost their newest change there.
        package var keys = 0
    }

    /// A key whose newest change cannot be read.
    package struct Key: Sendable {
        package var key: [UInt8]
        package var lost: Revision
        /// The version that is left; nil if the key is gone.
        package var left: Revision?
        /// Which of the places it lay in, if that is known.
        package var place: Int?
    }

    /// Why a start is refused; nil if it is not, and nothing is to be done.
    package var problem: LogProblem?
    package var me: UInt64
    package var members: [LogReport.Member]
    package var places: [Place] = []
    /// In order; the first so many.
    package var keys: [Key] = []
    package var keysLost = 0
    /// Keys that were deleted in a place that is damaged, and stay so.
    package var keysKeptDeleted = 0
    /// Keys that have lost the lease which would have ended them.
    package var leasesLost = 0
    /// Keys that can be read, of the revisions that are left of them.
    package var keysLeft = 0
    package var leases = 0
    /// The newest that anything tells of.
    package var revision = Revision.none

    package var mayHideMore: Bool { places.contains { $0.mayHideMore } }
    /// Whether all that was there is there.
    package var losesNothing: Bool { keysLost == 0 && leasesLost == 0 && !mayHideMore }
}

/// Makes a log that starts out of what can be read of one that does not, and keeps that one.
///
/// It is for a member that has nobody to get its log from. The new log is made as a restore makes one:
/// of what is alive, in a cluster of this member alone, with revisions that go on far above all that
/// anybody may have seen. See docs/decisions/0011.
package struct Salvage: ~Copyable {
    package let report: SalvageReport
    private let directory: Directory
    private let options: StoreOptions
    private let files: SalvageFiles
    private let identity: IdentityFile
    private let found: SalvagedLog

    /// Looks at the store in `path`, which no server may open meanwhile. Changes nothing, unless an
    /// earlier attempt has been interrupted after it was decided: then that is finished.
    ///
    /// - Parameter progress: Told how much has been read, of how much.
    /// - Throws: ``LogProblem``: there is none, it is in use, or of a newer version.
    package init(
        directory path: String, options: StoreOptions = StoreOptions(),
        progress: @escaping (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) throws(LogProblem) {
        try Self.checkIsThere(path)
        let (directory, files) = try Self.open(path, options)
        let known = Self.identity(in: path)
        let problem = Self.problem(of: directory, known)
        if let problem, problem.kind != .damaged { throw problem }
        let found = try Self.read(files, founders: known?.founders, in: path, progress)
        identity = Self.identity(after: known, found)
        report = SalvageReport(found, of: identity, files, problem)
        (self.directory, self.options, self.files) = (directory, options, files)
        self.found = found
    }

    private static func open(
        _ path: String, _ options: StoreOptions
    ) throws(LogProblem) -> (Directory, SalvageFiles) {
        do throws(StoreError) {
            let directory = try Directory(path)
            try SalvageFolders(directory: directory, disk: options.disk).finish()
            try SnapshotFiles(directory: directory, disk: options.disk).finishInstallation()
            return (directory, try SalvageFiles(directory))
        } catch {
            throw LogProblem(error, in: path)
        }
    }

    private static func read(
        _ files: SalvageFiles, founders: ClusterMembers?, in path: String,
        _ progress: @escaping (_ done: Int, _ of: Int) -> Void
    ) throws(LogProblem) -> SalvagedLog {
        do throws(StoreError) {
            return try LogSalvage(of: files, founders: founders, progress: progress).run()
        } catch {
            throw refusal(error, in: path)
        }
    }

    private static func checkIsThere(_ path: String) throws(LogProblem) {
        let names: [String]
        do throws(StoreError) { names = try Directory.names(in: path) } catch {
            throw LogProblem(error, in: path)
        }
        guard names.contains(where: { DamagedLog.isOfLog($0) || SalvageFolders.names.contains($0) })
        else {
            throw LogProblem(
                .unusable, path, "there is no log in this directory",
                remedy: "Name the data directory of a member")
        }
    }

    private static func identity(in path: String) -> IdentityFile? {
        do throws(StoreError) { return try OfflineLog.identity(in: path) } catch { return nil }
    }

    /// Why a start is refused; nil if it is not.
    private static func problem(of directory: Directory, _ known: IdentityFile?) -> LogProblem? {
        guard known != nil else {
            let file = directory.file(IdentityFiles.names[0])
            return LogProblem(
                .damaged(file: file, LogDamage(offset: 0, reason: .contents)), in: directory.path)
        }
        do throws(LogProblem) { _ = try OfflineLog(locked: directory).replayed() } catch {
            return error
        }
        return nil
    }

    private static func refusal(_ error: StoreError, in path: String) -> LogProblem {
        guard case .damaged(let file, let damage) = error, damage.isOfAnotherVersion else {
            return LogProblem(error, in: path)
        }
        return LogProblem(
            .unusable, file, offset: damage.offset, damage.reason.text,
            remedy: "A newer version wrote it: use that one, or a newer")
    }

    /// The only member of a new cluster: whoever else has a log has another one.
    private static func identity(
        after known: IdentityFile?, _ found: borrowing SalvagedLog
    ) -> IdentityFile {
        let member = known?.member ?? found.statement?.member ?? .random()
        let address = found.members?.addresses[member]
        return IdentityFile(
            member: member,
            founders: ClusterMembers(
                cluster: .random(in: 1 ... .max), membership: Membership(voters: [member]),
                addresses: address.map { [member: $0] } ?? [:]))
    }

    /// What was made.
    package struct Made: Sendable {
        package var cluster: UInt64
        package var keys: Int
        package var revision: Revision
        /// Where what was there before is kept.
        package var aside: String
    }

    /// Does it. If it is interrupted, it is done or not done, and can be done again.
    ///
    /// - Parameters:
    ///   - revisionsSkipped: How many revisions to leave out after the newest that is known.
    ///   - progress: Told now and then how many keys are done, of how many.
    /// - Throws: ``LogProblem``.
    package consuming func run(
        skipping revisionsSkipped: Int64 = Restoration.revisionsSkippedDefault,
        progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) throws(LogProblem) -> Made {
        defer { directory.unlock() }
        let folders = SalvageFolders(directory: directory, disk: options.disk)
        let revision = try report.revision.skipping(revisionsSkipped, in: directory.path)
        let restoring: Restoring
        do throws(StoreError) {
            try Restoration.remove(folders.workingPath, options.disk)
            restoring = Restoring(
                directory: try Directory(folders.workingPath), disk: options.disk,
                identity: identity, revision: revision)
        } catch {
            throw LogProblem(error, in: folders.workingPath)
        }
        let made = try restoring.run(files, found.core, progress)
        try Self.check(made, in: restoring.directory)
        do throws(StoreError) {
            try folders.makeAside()
            try folders.decide()
            try folders.finish()
            return Made(
                cluster: made.cluster, keys: made.keys, revision: made.revision,
                aside: try folders.asidePath())
        } catch {
            throw LogProblem(error, in: directory.path)
        }
    }

    /// Reads what was written, as a start does, before anything rests on it.
    private static func check(
        _ made: Restoration.Made, in directory: Directory
    ) throws(LogProblem) {
        let contents = try OfflineLog(locked: directory).contents()
        var keys = 0
        try contents.forEachEntry { _, _, _ in keys += 1 }
        guard keys == made.keys, contents.revision == made.revision else {
            throw LogProblem(
                .damaged, directory.path, "what was written there is not what is read",
                remedy: "Look at the disk and at the machine's memory; nothing was changed")
        }
    }
}

extension SalvageReport {
    fileprivate init(
        _ found: borrowing SalvagedLog, of identity: IdentityFile, _ files: SalvageFiles,
        _ problem: LogProblem?
    ) {
        (self.problem, me) = (problem, identity.member.number)
        members = found.members?.reported ?? []
        revision = found.revision
        leases = found.core.leaseIDs.count
        var count = 0
        found.core.forEachNewestVersion { _, version in count += version.isDelete ? 0 : 1 }
        keysLeft = count
        guard problem != nil else { return }
        places = found.places.map { place in
            Place(
                file: files.name(of: place.segment), range: place.range,
                reason: place.reason.text, isMended: place.isMended, kinds: place.kinds,
                revisions: place.revisions, mayHideMore: place.mayHideMore)
        }
        keys = found.lost.map {
            Key(key: $0.key, lost: $0.revision, left: $0.left, place: $0.place)
        }
        for place in keys.compactMap(\.place) { places[place].keys += 1 }
        (keysLost, keysKeptDeleted) = (found.lostCount, found.keptDeleted)
        leasesLost = found.leasesLost
    }
}
