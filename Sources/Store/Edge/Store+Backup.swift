internal import Raft
internal import Replica
public import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A backup of the store on its way to whoever asked for it: bytes of one file, in order.
///
/// It is of the moment at which it was begun. The store goes on meanwhile: segments only grow, and
/// those that are given back stay readable for as long as this is held.
public struct BackupStream: Sendable {
    private let header: BackupHeader
    private var segments: ArraySlice<(segment: Segment, bytes: Int)>
    /// Bytes of the first of `segments` that have been read.
    private var offset = 0
    private var checksum = ByteChecksum()
    private var isBegun = false
    private var isEnded = false

    /// Of the whole file.
    public var byteCount: Int { header.fileBytes }
    public var revision: Revision { header.revision }

    private static let chunkBytes = 256 * 1024

    fileprivate init(_ header: BackupHeader, _ segments: [(segment: Segment, bytes: Int)]) {
        (self.header, self.segments) = (header, segments[...])
    }

    /// Returns the next bytes; nil at the end.
    ///
    /// - Throws: ``StoreError/system(operation:file:code:)``.
    /// - Complexity: A read of a file into 256 KB of memory, past what is mapped.
    public mutating func next() throws(StoreError) -> [UInt8]? {
        guard isBegun else {
            isBegun = true
            return counted(header.encoded())
        }
        guard let (segment, bytes) = segments.first else {
            guard !isEnded else { return nil }
            isEnded = true
            return BackupHeader.end(checksum)
        }
        let chunk = try segment.read(min(Self.chunkBytes, bytes - offset), at: offset)
        offset += chunk.count
        if offset == bytes {
            segments.removeFirst()
            offset = 0
        }
        return counted(chunk)
    }

    private mutating func counted(_ bytes: [UInt8]) -> [UInt8] {
        checksum.add(bytes.raw)
        return bytes
    }
}

extension Segment {
    /// Reads by the system's call, not by the mapping: pages that are read once and sent away are
    /// not counted as this process's memory.
    fileprivate func read(_ count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
        var failure: StoreError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            done = 0
            while done < count {
                // At most what is left of the buffer is written, and only that counts.
                let read = unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done,
                    off_t(offset + done))
                if read < 0 && errno == EINTR { continue }
                guard read > 0 else {
                    failure = read < 0 ? .last("read", path)
                        : .damaged(
                            file: path, LogDamage(offset: offset + done, reason: .missing))
                    return
                }
                done += read
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

extension Store {
    /// Begins a backup of all that this member knows to be committed at this moment.
    ///
    /// - Parameter takenAt: The time, in seconds since 1970.
    public func backup(takenAt: Int64) -> BackupStream {
        shared.state.withLock { state in
            let end = state.writtenEnd
            let segments = state.segments.segments.filter { $0.sequence <= end.segment }
                .map { segment in
                    let isLast = segment.sequence == end.segment
                    return (segment: segment, bytes: isLast ? end.offset : segment.header.fileBytes)
                }
            let header = BackupHeader(
                cluster: numbers.cluster, member: numbers.member,
                revision: state.durable, compacted: state.core.compacted,
                committed: state.publishedIndex.number, takenAt: takenAt,
                parts: segments.map { BackupHeader.Part($0.segment.header, bytes: $0.bytes) })
            return BackupStream(header, segments)
        }
    }
}

extension RecoveredMember {
    /// Those of the member and its cluster, which stay for as long as the store is open.
    var numbers: (member: UInt64, cluster: UInt64) { (id.number, log.members.cluster) }
}
