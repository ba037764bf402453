import Checksum
import Store
import StoreCore
import Testing

extension Scratch {
    /// Makes a record one of version 2, sound in everything else.
    func renew(_ record: LogFilesOnDisk.Record) throws {
        var bytes = try self.bytes(record.file)
        bytes[record.offset + 13] = 2
        let salt = try SegmentHeader(in: bytes.raw).salt
        let seed = UInt32(truncatingIfNeeded: salt ^ salt >> 32)
        let checksum = crc32c(bytes.raw.extracting(record.offset + 4..<record.end), from: seed)
        for place in 0..<4 {
            bytes[record.offset + place] = UInt8(truncatingIfNeeded: checksum >> (8 * place))
        }
        try write(record.file, bytes)
    }
}

/// Somebody has run a newer program on a member's directory, and now an older one is started.
@Suite("A log with records of a newer version")
struct NewerFormatTests {
    @Test func isRefusedAsWellIfAllOfASegmentIsOfAnotherFormat() async throws {
        let cluster = try Cluster(3)
        _ = try await cluster.leader()
        cluster.stop(try #require(cluster.store(1)))
        let scratch = cluster.scratches[1]
        let name = try #require(LogFilesOnDisk(scratch).names.first)
        var bytes = try scratch.bytes(name)
        bytes[7] += 1
        let checksum = crc32c(bytes.raw.extracting(0..<60))
        for place in 0..<4 { bytes[60 + place] = UInt8(truncatingIfNeeded: checksum >> (8 * place)) }
        try scratch.write(name, bytes)
        let names = try scratch.names()
        let damage = LogDamage(offset: 0, reason: .unknownFormat)
        #expect(throws: StoreError.damaged(file: "\(scratch.path)/\(name)", damage)) {
            try cluster.start(1)
        }
        #expect(try scratch.names() == names)
        #expect(cluster.damage == [])
    }

    /// Nothing in it is damaged: given up, it would be lost, and the next newer member's as well.
    @Test func isRefusedByAMemberAndNotGivenUp() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        for number in 0..<20 { try await leader.put("k\(number)", "\(number)") }
        let store = try #require(cluster.store(1))
        cluster.stop(store)
        let scratch = cluster.scratches[1]
        let records = try LogFilesOnDisk(scratch).records
        let record = try #require(records.first { $0.kind == .transaction })
        try scratch.renew(record)
        let names = try scratch.names()
        let damage = LogDamage(
            offset: record.offset,
            reason: .unknownRecord(kind: RecordKind.transaction.rawValue, version: 2))
        #expect(throws: StoreError.damaged(file: "\(scratch.path)/\(record.file)", damage)) {
            try cluster.start(1)
        }
        #expect(try scratch.names() == names)
        #expect(cluster.damage == [])
    }
}
