#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// What the process has used since it began.
struct ProcessCost {
    var cpu: Duration
    /// Bytes that were sent to the disk, whole pages.
    var diskBytesWritten: Int
    var residentBytes: Int
    /// Memory that is not a file's: what the heap takes.
    var anonymousBytes: Int

    static var now: ProcessCost {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessCost(
            cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
            diskBytesWritten: number(after: "write_bytes:", in: "/proc/self/io"),
            residentBytes: number(after: "VmRSS:", in: "/proc/self/status") * 1024,
            anonymousBytes: number(after: "RssAnon:", in: "/proc/self/status") * 1024)
    }

    private static func duration(_ time: timeval) -> Duration {
        .seconds(Int(time.tv_sec)) + .microseconds(Int(time.tv_usec))
    }

    /// The number in a line of a file of the kernel's; 0 if it is not there.
    private static func number(after name: String, in path: String) -> Int {
        let descriptor = unsafe open(path, O_RDONLY)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        // Reads at most the array's own length into it.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            let digits = line.dropFirst(name.count).drop { !$0.isNumber }
            return Int(digits.prefix { $0.isNumber }) ?? 0
        }
        return 0
    }
}
