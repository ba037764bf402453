// Revisions, ranges, transactions and errors are the store's, so whoever imports it has them.
@_exported public import StoreCore
internal import Raft
internal import Replica
internal import Synchronization

/// An ordered key-value store with history: what etcd is to Kubernetes, in the process.
///
/// Every write is one transaction with one revision, the next integer. A call that writes returns
/// when the log says so on disk; proposals that arrive during one sync share the next. A read
/// sees all that was acknowledged and nothing that is not durable yet, takes no more than a look at
/// the index under a lock, and gets its bytes from the log itself. See ARCHITECTURE.md.
///
/// All calls may come from any thread. Nothing here tells whether the store has one member or more.
public final class Store: Sendable {
    let shared: Shared
    let writer: LogWriter
    let fanOut: FanOut
    let keeper: Keeper
    private let scrubber: Scrubber
    let readBytes = Atomic<Int>(0)
    private let directory: Directory
    /// Whether there may be other members.
    public let isClustered: Bool
    /// The numbers of this member, and of its cluster.
    let numbers: (member: UInt64, cluster: UInt64)
    private let isOpen = Atomic<Bool>(true)
    private let started: Monitor<Result<Void, StoreError>?>

    /// Opens the store in `directory`, which is made with mode 0700 if need be, and recovers what a
    /// crash has left there.
    ///
    /// - Throws: ``StoreError/locked(directory:)`` if another process has it open;
    ///   ``StoreError/damaged(file:_:)`` if a file holds something else than was written to it,
    ///   which a torn tail is not, and there are not enough other members to get the log from;
    ///   ``StoreError/system(operation:file:code:)``.
    /// - Complexity: O(*n*) in the bytes of the log.
    public static func open(
        directory path: String, options: StoreOptions = StoreOptions()
    ) throws(StoreError) -> Store {
        do throws(StoreError) { return try opened(path, options) } catch {
            guard case .damaged(let file, let damage) = error, !damage.isOfAnotherVersion,
                try DamagedLog.giveUp(path, file, damage, options)
            else { throw error }
        }
        return try opened(path, options)
    }

    private static func opened(
        _ path: String, _ options: StoreOptions
    ) throws(StoreError) -> Store {
        let directory = try Directory(path)
        try SalvageFolders(directory: directory, disk: options.disk).finish()
        let files = IdentityFiles(directory: directory, disk: options.disk)
        var identity = try files.open(options)
        try DamagedLog(directory: directory, disk: options.disk).setAside(&identity)
        try SnapshotFiles(directory: directory, disk: options.disk).finishInstallation()
        let recovered = try Recovery(
            directory: directory, options: options, identity: identity
        ).run()
        let hasToFound = identity.founders.membership.voters.count > 1 && recovered.member.log.isFresh
        // Nothing has been said yet.
        if identity.log == .awaited, !hasToFound {
            // From now on, a log that is not there has been lost.
            identity.log = .begun
            try files.write(identity)
        } else if identity.log == .awaited, identity.life == 0 {
            identity.life = .random(in: 1 ... .max)
            try files.write(identity)
        }
        let store = Store(directory, recovered, identity, options)
        try store.begin()
        return store
    }

    private init(
        _ directory: Directory, _ recovered: consuming Recovered, _ identity: IdentityFile,
        _ options: StoreOptions
    ) {
        self.directory = directory
        isClustered = options.cluster != nil
        let member = recovered.member
        numbers = member.numbers
        let (spare, bytesReplayed) = (recovered.spare, recovered.bytesReplayed)
        shared = Shared(recovered)
        keeper = Keeper(
            shared, directory, options, next: spare, newest: member.segment.sequence,
            bytesReplayed: bytesReplayed)
        fanOut = FanOut(shared)
        scrubber = Scrubber(shared, options.scrubbing)
        let started = Monitor<Result<Void, StoreError>?>(nil)
        self.started = started
        writer = LogWriter(
            shared, keeper, fanOut, directory, options, member, identity
        ) { failure in
            started.change { result in
                result = failure.map { .failure($0) } ?? .success(())
                return ((), wake: true)
            }
        }
    }

    /// Returns when the log can be read and written.
    private func begin() throws(StoreError) {
        let writer = writer
        shared.onDamage.withLock { told in
            told = { [weak writer] error in
                // If there is no room for it, whoever comes upon it next tells again.
                _ = writer?.call(.damaged(error))
            }
        }
        shared.onSound.withLock { told in
            // The next time tells again.
            told = { [weak writer] in _ = writer?.call(.sound) }
        }
        keeper.start { writer.propose($0, completion: $1) }
        do throws(StoreError) { try started.wait { $0 }.get() } catch {
            close()
            throw error
        }
        // Which segments may be given back is known only now.
        keeper.reclaim()
        scrubber.start()
    }

    /// Finishes what was proposed, ends watches and lets the directory go. Calls after it throw
    /// ``StoreError/closed``; a second `close` does nothing.
    public func close() {
        guard isOpen.exchange(false, ordering: .acquiringAndReleasing) else { return }
        scrubber.stop()
        writer.stop()
        keeper.stop()
        fanOut.stop()
        shared.onDamage.withLock { $0 = nil }
        shared.onSound.withLock { $0 = nil }
        directory.unlock()
    }

    deinit { close() }

    // MARK: Writing

    /// Carries out `transaction`, and returns once that is durable.
    ///
    /// A transaction that changes nothing does not raise the revision. Nothing is acknowledged that
    /// a crash could take back; if the call throws ``StoreError/closed``, it may or may not have
    /// happened.
    ///
    /// - Throws: ``StoreError``: `.duplicateKey`, `.unusableKey`, `.tooLarge`, `.leaseNotFound`,
    ///   `.compacted` or `.future` (of a range in it), `.overloaded`, `.noSpace`, `.closed`.
    public func propose(_ transaction: Transaction) async throws(StoreError) -> TransactionResult {
        try await answer { self.propose(transaction, completion: $0) }
    }

    /// The same, calling `completion` on the store's own thread, which must not be held up.
    public func propose(
        _ transaction: Transaction,
        completion: @escaping @Sendable (Result<TransactionResult, StoreError>) -> Void
    ) {
        do throws(StoreError) { try transaction.check() } catch {
            return completion(.failure(error))
        }
        answer(.transaction(transaction), completion)
    }

    /// Puts one key and returns its new revision: the cheap way for the most frequent write.
    ///
    /// - Parameter expected: The mod revision that the key must be at, `.none` if it must not be
    ///   there; nil to put it in any case.
    /// - Throws: ``StoreError/conflict(current:)`` if the key is at another revision; else as
    ///   ``propose(_:)``.
    public func put(
        _ key: [UInt8], _ value: [UInt8], expecting expected: Revision? = nil,
        lease: LeaseID = .none
    ) async throws(StoreError) -> Revision {
        try await answer {
            self.put(key, value, expecting: expected, lease: lease, completion: $0)
        }.revision
    }

    /// The same, calling `completion` on the store's own thread. Its result has the entry before.
    public func put(
        _ key: [UInt8], _ value: [UInt8], expecting expected: Revision?, lease: LeaseID = .none,
        completion: @escaping @Sendable (Result<TransactionResult, StoreError>) -> Void
    ) {
        do throws(StoreError) {
            try Transaction.checkKey(key)
            guard value.count <= StoreLimits.transactionBytesMax else { throw .tooLarge }
        } catch { return completion(.failure(error)) }
        answer(.put(key: key, value: value, expected: expected, lease: lease), completion)
    }

    /// Deletes one key and returns the revision that did. If the key was not there (and needed not
    /// be), that is the store's revision, which stays as it is.
    ///
    /// - Throws: As ``put(_:_:expecting:lease:)``.
    public func delete(
        _ key: [UInt8], expecting expected: Revision? = nil
    ) async throws(StoreError) -> Revision {
        try await answer { self.delete(key, expecting: expected, completion: $0) }.revision
    }

    /// The same, calling `completion` on the store's own thread. Its result has the entry before.
    public func delete(
        _ key: [UInt8], expecting expected: Revision?,
        completion: @escaping @Sendable (Result<TransactionResult, StoreError>) -> Void
    ) {
        do throws(StoreError) { try Transaction.checkKey(key) } catch {
            return completion(.failure(error))
        }
        answer(.delete(key: key, expected: expected), completion)
    }

    /// Gives up history before `revision`: no read, and no watch, can begin before it any more.
    /// Returns when that is durable; memory and disk follow in the background.
    ///
    /// - Throws: ``StoreError/compacted(requested:oldest:)`` if that has been done;
    ///   ``StoreError/future(requested:current:)``.
    public func compact(at revision: Revision) async throws(StoreError) {
        _ = try await decision { self.writer.propose(.compact(revision), completion: $0) }
    }

    // MARK: Reading

    /// The newest durable revision.
    public var revision: Revision { shared.state.withLock { $0.durable } }

    /// The oldest revision that can be read; ``Revision/none`` before the first compaction.
    public var compactedRevision: Revision { shared.state.withLock { $0.core.compacted } }

    /// How many keys there are, those deleted and not compacted yet included.
    public var keyCount: Int { shared.state.withLock { $0.core.keyCount } }

    /// Bytes of the log's files in use.
    public var logBytes: Int { shared.state.withLock { $0.segments.totalBytes } }
}

/// What can be set when a store is opened.
public struct StoreOptions: Sendable {
    /// Told of a write or sync that failed, on the writer's thread. Nothing more is acknowledged:
    /// the process should exit (status 74). Every waiting proposal fails with `.closed`.
    public var onFatalError: @Sendable (StoreError) -> Void = { _ in }
    /// Told of damage, once for each place, on whichever thread finds it.
    public var onDamage: @Sendable (StoreDamage) -> Void = { _ in }
    public var disk: any Disk = PosixDisk()
    /// Proposals that may wait; more are refused with ``StoreError/overloaded``.
    public var waitingProposalsMax = 65_536
    /// Bytes of proposals that may wait.
    public var waitingBytesMax = 64 * 1024 * 1024
    /// Size of the first segments; they grow with the log.
    public var segmentBytesMin = 512 * 1024
    public var segmentBytesMax = 64 * 1024 * 1024
    /// How far the log grows before the index is written down, so that a start replays less; an
    /// eighth of it when the store closes.
    package var checkpointBytesMin = 256 * 1024 * 1024
    public var scrubbing = ScrubPlan()
    /// Nil for a store of one member.
    public var cluster: ClusterOptions?

    public init() {}
}

/// What became of a transaction.
public struct TransactionResult: Sendable {
    /// The transaction's own revision if it changed something, else the store's.
    public let revision: Revision
    /// Whether all compares held, so that the `success` operations were carried out.
    public let succeeded: Bool
    /// One for each operation carried out.
    public let results: [OperationResult]
}

public enum OperationResult: Sendable {
    case put(previous: StoredEntry?)
    case deleted(count: Int, previous: [StoredEntry])
    case range(RangeResult)
}

/// What a range of keys holds.
public struct RangeResult: Sendable {
    public let entries: [StoredEntry]
    /// All keys in the range, those beyond the limit too.
    public let count: Int
    /// The revision at which it was read.
    public let revision: Revision

    /// Whether the limit left something out.
    public var hasMore: Bool { count > entries.count }
}
