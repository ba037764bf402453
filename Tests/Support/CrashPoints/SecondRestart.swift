import Store

/// A start after a start that was cut.
struct SecondRestart {
    let restart: Restart
    /// What the first one had found.
    let revision: Int64
    /// Whether the write after the first start was asked for, and acknowledged.
    private var isProposed = false
    private var isAcknowledged = false

    init(restart: Restart, revision: Int64) {
        (self.restart, self.revision) = (restart, revision)
    }

    mutating func take(_ note: RecordingDisk.Note) {
        if case .proposed = note { isProposed = true }
        if case .acknowledged = note { isAcknowledged = true }
    }

    func run(_ remains: FolderImage.Remains) throws {
        try restart.folder.fill(with: remains)
        try restart.withStore(PosixDisk()) { store in
            guard isProposed else {
                _ = try restart.check(store)
                return
            }
            // What the first start has shown may not be taken back.
            let isThere = store.revision.number == revision + 1
            try restart.require(isThere || !isAcknowledged, "what came after is lost")
            try restart.require(
                isThere || store.revision.number == revision, "revision \(store.revision)")
            try restart.checkEntries(store, at: revision, andProbe: isThere)
        }
    }
}
