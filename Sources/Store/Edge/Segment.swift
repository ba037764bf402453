internal import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A file's bytes, mapped for reading.
@safe final class MappedFile: Sendable {
    let descriptor: Int32
    // Points to `byteCount` readable bytes from init to deinit.
    private nonisolated(unsafe) let base: UnsafeRawPointer
    private let byteCount: Int

    /// Takes over `descriptor`. The file has `byteCount` bytes at least, and never fewer.
    init(_ path: String, _ descriptor: Int32, byteCount: Int) throws(StoreError) {
        (self.descriptor, self.byteCount) = (descriptor, byteCount)
        guard
            let start = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0),
            unsafe start != MAP_FAILED
        else {
            let code = errno
            close(descriptor)
            throw .system(operation: "map", file: path, code: code)
        }
        unsafe base = UnsafeRawPointer(start)
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount)
        close(descriptor)
    }

    /// Lends the whole file.
    @inline(__always)
    func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The mapping outlives the call, as `self` does.
        try body(unsafe UnsafeRawBufferPointer(start: base, count: byteCount).bytes)
    }

    /// Whether the disk has given every page. One that it cannot read stops the process when it is
    /// read by way of the mapping; so whoever opens a file asks first.
    ///
    /// - Complexity: O(*n*) in the file's bytes, none of which are copied.
    var isReadable: Bool {
        // Only fills in page table entries: the mapping is shared and never written through.
        let code = unsafe madvise(
            UnsafeMutableRawPointer(mutating: base), byteCount, Self.populateRead)
        // Before Linux 5.14 nobody can tell.
        return code == 0 || errno == EINVAL
    }

    /// MADV_POPULATE_READ, which the headers at hand may not know.
    private static let populateRead: Int32 = 22

    /// Gives the pages back that reading has mapped. They stay in the system's page cache.
    func trim() {
        // Only drops page table entries: the mapping is shared and never written through.
        unsafe madvise(UnsafeMutableRawPointer(mutating: base), byteCount, MADV_DONTNEED)
    }
}

/// A segment's file. Whoever holds it can read what lies in it, though the store may have retired
/// it: the file is not used again before the last holder lets go.
final class Segment: Sendable {
    let header: SegmentHeader
    let path: String
    private let file: MappedFile
    /// Called once nobody reads the file any more, if it was retired.
    private let whenUnused = Mutex<(@Sendable () -> Void)?>(nil)

    var sequence: UInt32 { header.sequence }
    var descriptor: Int32 { file.descriptor }

    /// Takes over `descriptor`.
    init(_ path: String, _ descriptor: Int32, header: SegmentHeader) throws(StoreError) {
        (self.path, self.header) = (path, header)
        file = try MappedFile(path, descriptor, byteCount: header.fileBytes)
    }

    deinit { whenUnused.withLock { $0 }?() }

    /// Lends the whole file.
    @inline(__always)
    func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try file.withBytes(body)
    }

    func trim() { file.trim() }

    var isReadable: Bool { file.isReadable }

    func retire(whenUnused body: @escaping @Sendable () -> Void) {
        whenUnused.withLock { $0 = body }
    }
}

/// The segments there are at one moment. Holding it keeps all of them readable.
final class SegmentSet: Sendable {
    let segments: [Segment]

    /// - Parameter segments: in order of sequence.
    init(_ segments: [Segment]) { self.segments = segments }

    subscript(sequence: UInt32) -> Segment? {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        guard low < segments.count, segments[low].sequence == sequence else { return nil }
        return segments[low]
    }

    /// Bytes of all files.
    var totalBytes: Int { segments.reduce(0) { $0 + $1.header.fileBytes } }

    func adding(_ segment: Segment) -> SegmentSet { SegmentSet(segments + [segment]) }

    func removing(_ sequence: UInt32) -> SegmentSet {
        SegmentSet(segments.filter { $0.sequence != sequence })
    }
}
