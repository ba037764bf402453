internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// The files that segments are made of: used ones to be used again, and a reserve for a full disk.
struct SegmentSupply {
    private let directory: Directory
    private let disk: any Disk
    private let maker: SegmentMaker
    private var spares: [SpareFile] = []
    private var reserves: [SpareFile] = []
    private var lastMade = ContinuousClock.now

    /// Files beyond this are removed.
    private static let sparesMax = 1
    private static let reservesCount = 2
    /// A log that takes longer to fill half a segment has time to write the next one beforehand.
    private static let calm = Duration.seconds(5)

    /// Takes over what spare files an earlier process has left.
    init(directory: Directory, options: StoreOptions) {
        (self.directory, disk) = (directory, options.disk)
        maker = SegmentMaker(directory: directory, options: options)
        do throws(StoreError) {
            for name in try directory.names().sorted() {
                let path = directory.file(name)
                if name.hasPrefix("spare-") { try disk.remove(path) }
                if name.hasPrefix("reserve-"), let bytes = directory.fileBytes(name) {
                    reserves.append(SpareFile(path: path, bytes: bytes))
                }
            }
        } catch {
            // What could not be removed or taken over is overwritten, when its name is needed.
        }
    }

    var spareBytes: Int { (spares + reserves).reduce(0) { $0 + $1.bytes } }

    mutating func add(_ files: [SpareFile]) {
        for file in files {
            if spares.count < Self.sparesMax { spares.append(file) } else { remove(file.path) }
        }
    }

    /// Gives up a segment that was made ready and not used.
    func discard(_ segment: Segment) { remove(segment.path) }

    private func remove(_ path: String) {
        // A file that stays is removed by the next start.
        do throws(StoreError) { try disk.remove(path) } catch {}
    }

    /// Makes a segment of a used file if there is one of a fitting size, else of a new one.
    mutating func make(
        _ sequence: UInt32, bytes: Int, bytesMin: Int
    ) throws(StoreError) -> Segment {
        while let spare = spares.popLast() {
            if spare.bytes >= max(bytesMin, bytes / 2), spare.bytes <= bytes {
                return try maker.reuse(spare.path, as: sequence, bytes: spare.bytes)
            }
            remove(spare.path)
        }
        let isCalm = ContinuousClock.now - lastMade > Self.calm
        lastMade = .now
        return try maker.make(sequence, bytes: bytes, isWritten: isCalm)
    }

    /// With the disk full, and the writer waiting: makes a segment of the reserve. Nil if there is
    /// no hurry.
    mutating func makeOfReserve(
        _ sequence: UInt32, bytesMin: Int, isUrgent: Bool
    ) -> Result<Segment, StoreError>? {
        guard isUrgent else { return nil }
        guard let found = reserves.firstIndex(where: { $0.bytes >= bytesMin }) else {
            return .failure(.noSpace)
        }
        let file = reserves.remove(at: found)
        do throws(StoreError) {
            return .success(try maker.reuse(file.path, as: sequence, bytes: file.bytes))
        } catch {
            return .failure(error)
        }
    }

    /// Sees to it that there are two reserve files of `bytes` bytes or more. Returns whether so.
    mutating func fillReserves(bytes: Int) -> Bool {
        let bytes = max(bytes, Self.reserveBytesMin)
        while let small = reserves.firstIndex(where: { $0.bytes < bytes }) {
            remove(reserves.remove(at: small).path)
        }
        for number in 1...Self.reservesCount {
            let path = directory.file("reserve-\(number)")
            guard !reserves.contains(where: { $0.path == path }) else { continue }
            do throws(StoreError) {
                close(try disk.create(path, bytes: bytes, isWritten: false))
                reserves.append(SpareFile(path: path, bytes: bytes))
            } catch {
                return false
            }
        }
        return true
    }

    private static let reserveBytesMin = 256 * 1024
}
