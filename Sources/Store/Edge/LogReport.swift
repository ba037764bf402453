internal import Raft
internal import Replica
package import StoreCore

/// What a log was found to hold, after all of it has been read.
package struct LogReport: Sendable {
    package struct Member: Sendable {
        package var number: UInt64
        package var name: String
        package var peerAddress: String
        package var isVoter: Bool
    }

    /// Whose log it is.
    package var me: UInt64
    package var cluster: UInt64
    /// As of the newest entry.
    package var members: [Member]
    package var segments: Int
    package var bytes: Int
    package var records: Int
    /// As far as is committed.
    package var keys: Int
    /// Of keys and values that are there.
    package var liveBytes: Int
    package var leases: Int
    package var revision: Revision
    package var compacted: Revision
    package var committedIndex: UInt64
    package var lastIndex: UInt64
    /// Of the last entry: of several logs, the one that is ahead in this, then in the index, is the
    /// one that an election would choose.
    package var lastTerm: UInt64
    /// The newest term that the member has heard of.
    package var term: UInt64
    /// Of a backup, in seconds since 1970.
    package var takenAt: Int64?
}

extension OfflineLog {
    /// Reads everything, from beginning to end, and compares it with its checksums.
    ///
    /// - Throws: ``LogProblem`` about the first thing that is not what was written.
    /// - Complexity: O(*n*) in the bytes of the log; memory in the number of keys.
    package func verify() throws(LogProblem) -> LogReport {
        let contents = try contents()
        try checkChecksum()
        var report = LogReport(contents.found, of: self)
        try contents.forEachRecord { _, _ in report.records += 1 }
        try contents.forEachEntry { key, value, _ in
            report.keys += 1
            report.liveBytes += key.byteCount + value.byteCount
        }
        return report
    }
}

extension LogReport {
    fileprivate init(_ found: borrowing RecoveredFiles, of log: OfflineLog) {
        let recovered = found.log
        switch log.source {
        case .backup(let header): (me, takenAt) = (header.member, header.takenAt)
        case .directory(let identity): (me, takenAt) = (identity.member.number, nil)
        }
        cluster = recovered.members.cluster
        members = recovered.members.reported
        (segments, bytes, records) = (found.sequences.count, log.bytes, 0)
        (keys, liveBytes, leases) = (0, 0, found.core.leaseIDs.count)
        (revision, compacted) = (found.core.revision, found.core.compacted)
        committedIndex = recovered.committed.number
        lastIndex = recovered.log.lastIndex.number
        lastTerm = recovered.log.lastTerm.number
        term = max(recovered.hardState.term, recovered.log.lastTerm).number
    }
}

extension ClusterMembers {
    var reported: [LogReport.Member] {
        membership.members.map { id in
            LogReport.Member(
                number: id.number, name: addresses[id]?.name ?? "",
                peerAddress: addresses[id]?.peer ?? "", isVoter: membership.isVoter(id))
        }.sorted { ($0.name, $0.number) < ($1.name, $1.number) }
    }
}
