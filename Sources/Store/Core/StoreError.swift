/// What can go wrong with a call to the store; one case for each different reaction of a caller.
public enum StoreError: Error, Equatable, Sendable {
    /// History before `oldest` is given up: list again.
    case compacted(requested: Revision, oldest: Revision)
    /// The store is not there yet.
    case future(requested: Revision, current: Revision)
    /// The key is not at the revision that was expected: read again. `.none` if it is not there.
    case conflict(current: Revision)
    /// A transaction changes the same key twice.
    case duplicateKey([UInt8])
    /// The key is empty, or longer than ``StoreLimits/keyBytesMax``.
    case unusableKey
    /// The transaction has more bytes or operations than ``StoreLimits`` allow.
    case tooLarge
    case leaseNotFound(LeaseID)
    case leaseExists(LeaseID)
    /// There are as many leases as ``StoreLimits/leasesMax``.
    case tooManyLeases
    /// Too many proposals wait: try again later.
    case overloaded
    /// The disk is full: delete or compact. Reads, deletes and compaction go on.
    case noSpace
    /// No leader is known, or this is not it; nothing has happened. Try another member.
    case noLeader
    /// The leader was lost before it could be known whether the proposal is committed: it may have
    /// happened, or happen yet.
    case outcomeUnknown
    /// The store is closed, or has stopped after a failed write.
    case closed
    /// Another process has the directory open.
    case locked(directory: String)
    /// A file holds something else than what was written to it.
    case damaged(file: String, LogDamage)
    /// This member holds something else than a majority of the members at `revision`, and they
    /// have let it in anew too often.
    case differs(revision: Revision)
    /// The operating system refused; `code` is its errno.
    case system(operation: String, file: String, code: Int32)
}

/// Bounds of what the store accepts.
public enum StoreLimits {
    public static let keyBytesMax = 16 * 1024
    /// Keys, values and headers of one transaction's changes.
    public static let transactionBytesMax = 8 * 1024 * 1024
    public static let transactionOperationsMax = 4096
    public static let leasesMax = 100_000
    /// The longest time to live of a lease that etcd accepts.
    public static let leaseDurationMax = Duration.seconds(9_000_000_000)
}
