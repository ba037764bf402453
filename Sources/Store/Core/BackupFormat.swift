internal import Checksum

// A backup is one file: the segments of one member's log, byte for byte, as far as they had been
// written at one moment. Segments are what they are on purpose: a member reads them from its files
// in order, without looking anything up, while it goes on writing; and nothing is left out, so that
// past revisions and the log's own records can be looked at for as long as the backup is kept. What
// a live state alone would save is little, as the log stays within twice of it by itself.
//
//    0  8 bytes  "MARTBAK" and format version 1
//    8  u32      crc32c over bytes 12... of the header
//   12  u32      bytes of the header
//   16  u64      bytes of the file
//   24  u64      cluster, u64 member whose log it is
//   40  i64      revision, i64 compacted: of the member at that moment
//   56  u64      the newest entry that it knew to be committed: entries after it do not count
//   64  i64      when it was taken, in seconds since 1970
//   72  u64      count of segments, then for each: u32 number, u32 0, u64 salt, u64 bytes of its
//                file, u64 bytes of it that are here
//   ...          the bytes of the segments, one after the other
//   end 8 bytes  "MARTEND" and format version 1
//       u32      crc32c over all before "MARTEND", u32 0

/// What a backup says of itself.
package struct BackupHeader: Equatable, Sendable {
    /// A segment in it.
    package struct Part: Equatable, Sendable {
        package var sequence: UInt32
        package var salt: UInt64
        /// Size of the segment's file.
        package var fileBytes: Int
        /// How many of them are here.
        package var bytes: Int

        package init(_ header: SegmentHeader, bytes: Int) {
            (sequence, salt, fileBytes) = (header.sequence, header.salt, header.fileBytes)
            self.bytes = bytes
        }

        fileprivate init(_ reader: inout CheckpointReader) throws(LogDamage) {
            sequence = try reader.integer()
            _ = try reader.integer(UInt32.self)
            salt = try reader.integer()
            let (offset, numbers) = (reader.offset, (try reader.size(), try reader.size()))
            (fileBytes, bytes) = numbers
            guard fileBytes <= Int(UInt32.max), bytes <= fileBytes,
                bytes >= SegmentHeader.byteCount
            else { throw LogDamage(offset: offset, reason: .contents) }
        }
    }

    package var cluster: UInt64
    package var member: UInt64
    package var revision: Revision
    package var compacted: Revision
    /// The index of the newest entry that was known to be committed.
    package var committed: UInt64
    /// Seconds since 1970.
    package var takenAt: Int64
    /// Oldest first.
    package var parts: [Part]

    package init(
        cluster: UInt64, member: UInt64, revision: Revision, compacted: Revision,
        committed: UInt64, takenAt: Int64, parts: [Part]
    ) {
        (self.cluster, self.member) = (cluster, member)
        (self.revision, self.compacted) = (revision, compacted)
        (self.committed, self.takenAt, self.parts) = (committed, takenAt, parts)
    }

    private static let magic: UInt64 = 0x01_4B_41_42_54_52_41_4D
    private static let endMagic: UInt64 = 0x01_44_4E_45_54_52_41_4D
    private static let fixedBytes = 80
    private static let partBytes = 32
    private static let checkedFrom = 12
    package static let endBytes = 16
    private static let stepBytes = 16 * 1024 * 1024
    /// A log has far fewer segments.
    private static let partsMax = 1 << 20

    package var byteCount: Int { Self.fixedBytes + Self.partBytes * parts.count }
    /// Of the whole file.
    package var fileBytes: Int { parts.reduce(byteCount + Self.endBytes) { $0 + $1.bytes } }

    /// Where the bytes of each part begin in the file.
    package var partOffsets: [Int] {
        var offset = byteCount
        return parts.map { part in
            defer { offset += part.bytes }
            return offset
        }
    }

    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(integer: Self.magic)
        bytes.append(integer: 0 as UInt32)
        bytes.append(integer: UInt32(byteCount))
        bytes.append(integer: UInt64(fileBytes))
        for number in [cluster, member] { bytes.append(integer: number) }
        for number in [revision, compacted] { bytes.append(integer: number.number) }
        bytes.append(integer: committed)
        bytes.append(integer: takenAt)
        bytes.append(integer: UInt64(parts.count))
        for part in parts {
            bytes.append(integer: part.sequence)
            bytes.append(integer: 0 as UInt32)
            bytes.append(integer: part.salt)
            bytes.append(integer: UInt64(part.fileBytes))
            bytes.append(integer: UInt64(part.bytes))
        }
        bytes.store(crc32c(bytes.raw.extracting(Self.checkedFrom..<bytes.count)), at: 8)
        return bytes
    }

    /// The last bytes of the file.
    ///
    /// - Parameter checksum: Of all before.
    package static func end(_ checksum: ByteChecksum) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(integer: endMagic)
        bytes.append(integer: checksum.value)
        bytes.append(integer: 0 as UInt32)
        return bytes
    }

    /// Reads the header of a file, and checks that the file is as long as it says.
    ///
    /// - Throws: ``BackupDamage``.
    package init(in file: RawSpan) throws(BackupDamage) {
        guard file.byteCount >= Self.fixedBytes else {
            throw BackupDamage(offset: file.byteCount, .noBackup)
        }
        let magic = file.integer(at: 0, as: UInt64.self)
        guard magic == Self.magic else {
            let isOther = magic & 0x00FF_FFFF_FFFF_FFFF == Self.magic & 0x00FF_FFFF_FFFF_FFFF
            throw BackupDamage(offset: 0, isOther ? .unknownFormat : .noBackup)
        }
        let headerBytes = Int(file.integer(at: 12, as: UInt32.self))
        let wholeBytes = file.integer(at: 16, as: UInt64.self)
        guard headerBytes >= Self.fixedBytes else { throw BackupDamage(offset: 12, .header) }
        guard headerBytes <= file.byteCount else {
            guard let whole = Int(exactly: wholeBytes), whole > headerBytes else {
                throw BackupDamage(offset: 12, .header)
            }
            throw BackupDamage(offset: file.byteCount, .cutOff(wholeBytes: whole))
        }
        let checked = file.slice(Self.checkedFrom, headerBytes - Self.checkedFrom)
        guard crc32c(checked) == file.integer(at: 8, as: UInt32.self) else {
            throw BackupDamage(offset: 8, .header)
        }
        do throws(LogDamage) {
            try self.init(header: file.slice(0, headerBytes))
        } catch {
            throw BackupDamage(offset: error.offset, .header)
        }
        guard wholeBytes == UInt64(fileBytes) else { throw BackupDamage(offset: 16, .header) }
        guard file.byteCount >= fileBytes else {
            throw BackupDamage(offset: file.byteCount, .cutOff(wholeBytes: fileBytes))
        }
        guard file.byteCount == fileBytes else {
            throw BackupDamage(offset: fileBytes, .tooLong(wholeBytes: fileBytes))
        }
    }

    private init(header: RawSpan) throws(LogDamage) {
        var reader = CheckpointReader(header, from: 24)
        (cluster, member) = (try reader.integer(), try reader.integer())
        (revision, compacted) = (Revision(try reader.integer()), Revision(try reader.integer()))
        (committed, takenAt) = (try reader.integer(), try reader.integer())
        let count = try reader.size()
        guard count <= Self.partsMax, count > 0,
            header.byteCount == Self.fixedBytes + Self.partBytes * count
        else { throw LogDamage(offset: 72, reason: .contents) }
        parts = []
        for _ in 0..<count {
            let part = try Part(&reader)
            guard part.sequence > parts.last?.sequence ?? 0 else {
                throw LogDamage(offset: reader.offset, reason: .contents)
            }
            parts.append(part)
        }
    }

    /// Compares the file with the checksum at its end.
    ///
    /// - Parameter pause: Called now and then: what has been read is not wanted any more.
    /// - Throws: ``BackupDamage``. Where the damage is cannot be told from a sum.
    /// - Complexity: O(*n*) in the bytes of the file.
    package func checkEnd(
        of file: RawSpan, pausing pause: () -> Void = {}
    ) throws(BackupDamage) {
        let end = fileBytes - Self.endBytes
        guard file.integer(at: end, as: UInt64.self) == Self.endMagic else {
            throw BackupDamage(offset: end, .checksum)
        }
        var checksum = ByteChecksum()
        for offset in stride(from: 0, to: end, by: Self.stepBytes) {
            checksum.add(file.slice(offset, min(Self.stepBytes, end - offset)))
            pause()
        }
        guard checksum.value == file.integer(at: end + 8, as: UInt32.self) else {
            throw BackupDamage(offset: end + 8, .checksum)
        }
        guard file.integer(at: end + 12, as: UInt32.self) == 0 else {
            throw BackupDamage(offset: end + 12, .checksum)
        }
    }

    /// A number that tells one backup from another.
    package func fingerprint(of file: RawSpan) -> UInt64 {
        UInt64(file.integer(at: 8, as: UInt32.self)) << 32
            | UInt64(file.integer(at: fileBytes - 8, as: UInt32.self))
    }
}

extension CheckpointReader {
    /// A number that counts something in memory or in a file.
    fileprivate mutating func size() throws(LogDamage) -> Int {
        let offset = offset
        guard let size = Int(exactly: try integer(UInt64.self)) else {
            throw LogDamage(offset: offset, reason: .contents)
        }
        return size
    }
}

/// Why a file is no backup that could be restored, and where.
package struct BackupDamage: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        /// It is something else.
        case noBackup
        /// It is of a version that this program does not know.
        case unknownFormat
        /// What it says of itself does not agree with its checksum.
        case header
        case cutOff(wholeBytes: Int)
        case tooLong(wholeBytes: Int)
        /// A segment in it is damaged, at this place of its own.
        case segment(UInt32, LogDamage)
        /// All that is read of it is whole, but not all its bytes are what was written.
        case checksum
    }

    /// In bytes from the beginning of the file.
    package let offset: Int
    package let reason: Reason

    package init(offset: Int, _ reason: Reason) { (self.offset, self.reason) = (offset, reason) }
}

/// A crc32c over bytes that come bit by bit.
package struct ByteChecksum: Sendable {
    package private(set) var value: UInt32 = 0

    package init() {}

    package mutating func add(_ bytes: RawSpan) { value = crc32c(bytes, from: value) }
}
