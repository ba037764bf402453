internal import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A segment's file, mapped for reading. Whoever holds it can read what lies in it, though the store
/// may have retired it: the file is not used again before the last holder lets go.
@safe final class Segment: Sendable {
    let header: SegmentHeader
    let path: String
    let descriptor: Int32
    // Points to `mappedBytes` readable bytes from init to deinit.
    private nonisolated(unsafe) let base: UnsafeRawPointer
    private let mappedBytes: Int
    /// Called with the path once nobody reads the file any more, if it was retired.
    private let whenUnused = Mutex<(@Sendable (String) -> Void)?>(nil)

    var sequence: UInt32 { header.sequence }

    /// Takes over `descriptor`.
    init(_ path: String, _ descriptor: Int32, header: SegmentHeader) throws(StoreError) {
        (self.path, self.descriptor, self.header) = (path, descriptor, header)
        mappedBytes = header.fileBytes
        guard
            let start = unsafe mmap(nil, mappedBytes, PROT_READ, MAP_SHARED, descriptor, 0),
            unsafe start != MAP_FAILED
        else {
            let code = errno
            close(descriptor)
            throw .system(operation: "map", file: path, code: code)
        }
        unsafe base = UnsafeRawPointer(start)
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(mutating: base), mappedBytes)
        close(descriptor)
        whenUnused.withLock { $0 }?(path)
    }

    /// Lends the whole file.
    @inline(__always)
    func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The mapping outlives the call, as `self` does.
        try body(unsafe UnsafeRawBufferPointer(start: base, count: mappedBytes).bytes)
    }

    /// Gives the pages back that reading has mapped. They stay in the system's page cache.
    func trim() {
        // Only drops page table entries: the mapping is shared and never written through.
        unsafe madvise(UnsafeMutableRawPointer(mutating: base), mappedBytes, MADV_DONTNEED)
    }

    func retire(whenUnused body: @escaping @Sendable (String) -> Void) {
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
