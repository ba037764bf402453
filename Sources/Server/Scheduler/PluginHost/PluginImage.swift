internal import CSchedulerABI
internal import Glibc
internal import Synchronization

/// A shared library in memory, and the constant that it exports.
///
/// Images are never unloaded: code written in Swift can't be. So there is a limit to their number,
/// and the same bytes are loaded once.
@safe struct PluginImage: @unchecked Sendable {
    /// How many different libraries one process loads in its life.
    static let imagesMax = 64
    private static let symbol = "martlet_scheduler_plugin"
    private static let loaded = Mutex<[String: PluginImage]>([:])

    /// Constant, and mapped as long as the process lives.
    let table: UnsafePointer<martlet_scheduler_plugin>
    let sha256: String
    let id: String
    let version: String

    /// Loads an open file, unless the same bytes were loaded before, and checks what it exports.
    static func load(_ file: consuming PluginFile,
                     as id: String) throws(PluginRefusal) -> PluginImage {
        let sha256 = file.sha256
        if let known = loaded.withLock({ $0[sha256] }) {
            guard known.id == id else { throw refuse(id, "calls itself \(known.id)") }
            return known
        }
        guard loaded.withLock({ $0.count }) < imagesMax else {
            throw refuse(id, "would be library number \(imagesMax + 1) of this process; restart it")
        }
        let image = try PluginImage(file, id)
        loaded.withLock { $0[sha256] = image }
        return image
    }

    private static func refuse(_ id: String, _ why: String) -> PluginRefusal {
        PluginRefusal(id: id, reason: "strategy \(id) \(why)")
    }

    private init(_ file: borrowing PluginFile, _ id: String) throws(PluginRefusal) {
        // A descriptor of its own that stays open: the loader takes equal paths for the same
        // library, so a path must not come to mean another file later.
        let descriptor = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else {
            throw Self.refuse(id, "can't be loaded: \(PluginFile.describe(errno))")
        }
        let path = "/proc/self/fd/\(descriptor)"
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            let why = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given"
            close(descriptor)
            throw Self.refuse(id, "can't be loaded: \(why)")
        }
        guard let address = unsafe dlsym(handle, Self.symbol) else {
            throw Self.refuse(id, "exports no \(Self.symbol)")
        }
        unsafe table = UnsafePointer(
            address.assumingMemoryBound(to: martlet_scheduler_plugin.self))
        sha256 = file.sha256
        if let complaint = unsafe Self.complaint(about: table) { throw Self.refuse(id, complaint) }
        self.id = unsafe Self.text(table.pointee.id) ?? ""
        version = unsafe Self.text(table.pointee.version) ?? ""
        guard self.id == id else { throw Self.refuse(id, "calls itself \(self.id)") }
    }

    /// What is wrong with an exported constant, or nil. Looks at a field only after the ones that
    /// say it is there.
    private static func complaint(
        about table: UnsafePointer<martlet_scheduler_plugin>
    ) -> String? {
        let plugin = unsafe table
        guard unsafe plugin.pointee.magic == MARTLET_SCHEDULER_MAGIC else {
            return "is no scheduling strategy: its magic number is wrong"
        }
        let (major, minor) = unsafe (plugin.pointee.abi_major, plugin.pointee.abi_minor)
        let (hostMajor, hostMinor) = (MARTLET_SCHEDULER_ABI_MAJOR, MARTLET_SCHEDULER_ABI_MINOR)
        guard Int32(major) == hostMajor, Int32(minor) <= hostMinor else {
            return "speaks version \(major).\(minor) of the interface, "
                + "the server \(hostMajor).\(hostMinor)"
        }
        guard unsafe Int(plugin.pointee.size) >= MemoryLayout<martlet_scheduler_plugin>.size else {
            return "exports a constant of \(unsafe plugin.pointee.size) bytes, which is too short"
        }
        guard unsafe plugin.pointee.create != nil, unsafe plugin.pointee.score != nil else {
            return "lacks create or score"
        }
        guard unsafe text(plugin.pointee.id) != nil, unsafe text(plugin.pointee.version) != nil
        else { return "has no id or version of at most \(textBytesMax) bytes" }
        return nil
    }

    private static let textBytesMax = 63

    private static func text(_ start: UnsafePointer<CChar>?) -> String? {
        guard let start = unsafe start else { return nil }
        let count = unsafe strnlen(start, textBytesMax + 1)
        guard count > 0, count <= textBytesMax else { return nil }
        return unsafe String(validatingCString: start)
    }
}
