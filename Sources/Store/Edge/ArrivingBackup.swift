internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A backup on its way into a file: under another name until it is whole, and has been read from
/// beginning to end.
package final class ArrivingBackup {
    private let path: String
    private let disk: any Disk
    private let descriptor: Int32
    package private(set) var bytes = 0

    private var arriving: String { path + ".new" }

    /// Makes the file beside its place. What an interrupted attempt has left there goes.
    ///
    /// - Throws: ``LogProblem``.
    package init(_ path: String, disk: any Disk = PosixDisk()) throws(LogProblem) {
        (self.path, self.disk) = (path, disk)
        do throws(StoreError) {
            try disk.remove(path + ".new")
            descriptor = try disk.create(path + ".new", bytes: 0, isWritten: false)
        } catch {
            throw LogProblem(error, in: path)
        }
    }

    deinit { close(descriptor) }

    package func append(_ chunk: [UInt8]) throws(LogProblem) {
        do throws(StoreError) {
            try disk.write(chunk.raw, to: descriptor, at: bytes)
        } catch {
            throw LogProblem(error, in: arriving)
        }
        bytes += chunk.count
    }

    /// Reads all of it, makes it durable and gives it its name, in place of what had it before.
    ///
    /// - Throws: ``LogProblem``, if it is not a whole backup, above all; the file is removed then.
    package func keep() throws(LogProblem) -> LogReport {
        do throws(LogProblem) {
            let report = try OfflineLog.openBackup(arriving).verify()
            do throws(StoreError) {
                try disk.sync(descriptor)
                try disk.rename(arriving, to: path)
                try disk.syncDirectory(Directory.parent(of: path))
            } catch {
                throw LogProblem(error, in: path)
            }
            return report
        } catch {
            discard()
            throw error
        }
    }

    /// Removes what has arrived.
    package func discard() {
        // What cannot be removed is overwritten by the next attempt.
        do throws(StoreError) { try disk.remove(arriving) } catch {}
    }
}
