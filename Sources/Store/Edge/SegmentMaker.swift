internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Makes segment files ready to be written, out of old ones where there are any.
struct SegmentMaker: Sendable {
    let directory: Directory
    let options: StoreOptions

    /// Makes a new file. When it bears a segment's name, its header is on disk.
    ///
    /// - Parameter isWritten: Whether to fill it with zeros first, so that syncing what overwrites
    ///   them touches no metadata. That makes a sync faster, and doubles the bytes written.
    func make(
        _ sequence: UInt32, bytes: Int, isWritten: Bool
    ) throws(StoreError) -> Segment {
        let path = directory.file("spare-\(sequence)")
        let descriptor = try options.disk.create(path, bytes: bytes, isWritten: isWritten)
        return try begin(sequence, path, descriptor, bytes: bytes)
    }

    /// Uses a file again. What it holds is void, as the new salt is in every checksum.
    func reuse(_ path: String, as sequence: UInt32, bytes: Int) throws(StoreError) -> Segment {
        try begin(sequence, path, try options.disk.open(path), bytes: bytes)
    }

    private func begin(
        _ sequence: UInt32, _ path: String, _ descriptor: Int32, bytes: Int
    ) throws(StoreError) -> Segment {
        let header = SegmentHeader(
            salt: UInt64.random(in: 1 ... .max), sequence: sequence, fileBytes: bytes)
        let final = directory.segmentFile(sequence)
        do throws(StoreError) {
            try options.disk.write(header.encoded().raw, to: descriptor, at: 0)
            try options.disk.sync(descriptor)
            try options.disk.rename(path, to: final)
            try options.disk.syncDirectory(directory.path)
        } catch {
            close(descriptor)
            throw error
        }
        return try Segment(final, descriptor, header: header)
    }

    /// Opens a segment that is there. Takes over the descriptor.
    static func mapped(
        _ path: String, _ descriptor: Int32, sequence: UInt32
    ) throws(StoreError) -> Segment {
        let header: SegmentHeader
        do throws(StoreError) {
            header = try readHeader(path, descriptor)
            guard header.sequence == sequence else {
                throw .damaged(file: path, LogDamage(offset: 16, reason: .header))
            }
            try extend(path, descriptor, to: header.fileBytes)
        } catch {
            close(descriptor)
            throw error
        }
        return try Segment(path, descriptor, header: header)
    }

    private static func readHeader(
        _ path: String, _ descriptor: Int32
    ) throws(StoreError) -> SegmentHeader {
        var bytes = [UInt8](repeating: 0, count: SegmentHeader.byteCount)
        // Reads at most the array's own length into it.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
        }
        guard count >= 0 else { throw .last("read", path) }
        do throws(LogDamage) {
            return try SegmentHeader(in: bytes.raw.extracting(0..<count))
        } catch {
            throw .damaged(file: path, error)
        }
    }

    /// A file that was cut short is read as if zeros followed: the scan knows what that means. A
    /// file shorter than its mapping would stop the process.
    private static func extend(
        _ path: String, _ descriptor: Int32, to bytes: Int
    ) throws(StoreError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last("read", path) }
        guard status.st_size < off_t(bytes) else { return }
        let code = posix_fallocate(descriptor, 0, off_t(bytes))
        guard code == 0 else { throw .system(operation: "allocate", file: path, code: code) }
    }
}
