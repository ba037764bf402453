internal import Raft
package import StoreCore

/// A proposal that a member asks the leader to decide, as bytes: `ForwardedProposal` of
/// proto/martlet/v1/peer.proto. The other side builds the answer up from its own log.
package enum ForwardedProposal {
    /// Nil if the proposal is one that no member forwards.
    package static func encoded(_ proposal: Proposal) -> [UInt8]? {
        var bytes: [UInt8] = []
        switch proposal {
        case .transaction(let transaction): bytes.append(field: 1, message: transaction.encoded)
        case .put(let key, let value, let expected, let lease):
            bytes.append(field: 2, message: Self.put(key, value, expected, lease))
        case .delete(let key, let expected):
            bytes.append(field: 3, message: Self.put(key, [], expected, .none))
        case .compact(let revision): bytes.append(field: 4, varint: UInt64(revision.number))
        case .revoke(let lease): bytes.append(field: 5, fixed: lease.bits)
        case .grant, .keepAlive, .expire, .saveLeases, .survivors, .retire, .barrier: return nil
        }
        return bytes
    }

    private static func put(
        _ key: [UInt8], _ value: [UInt8], _ expected: Revision?, _ lease: LeaseID
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(field: 1, bytes: key)
        bytes.append(field: 2, bytes: value)
        bytes.append(field: 3, revision: expected)
        bytes.append(field: 4, fixed: lease.bits)
        return bytes
    }

    /// Reads a proposal, and refuses what could never be carried out.
    ///
    /// - Throws: ``PeerFrameError``.
    package static func decoded(_ bytes: [UInt8]) throws(PeerFrameError) -> Proposal {
        let raw = bytes.raw
        var reader = FieldReader(raw, in: 0..<raw.byteCount)
        guard let tag = try reader.nextTag() else { throw reader.failure }
        switch tag {
        case 1 << 3 | 2:
            let transaction = try Transaction(&reader)
            do throws(StoreError) { try transaction.check() } catch { throw reader.failure }
            return .transaction(transaction)
        case 2 << 3 | 2:
            let put = try Put(&reader)
            return .put(key: put.key, value: put.value, expected: put.expected, lease: put.lease)
        case 3 << 3 | 2:
            let delete = try Put(&reader)
            return .delete(key: delete.key, expected: delete.expected)
        case 4 << 3: return .compact(Revision(Int64(clamping: try reader.varint())))
        case 5 << 3 | 1: return .revoke(LeaseID(bits: try reader.fixed()))
        default: throw reader.failure
        }
    }

    private struct Put {
        var key: [UInt8] = []
        var value: [UInt8] = []
        var expected: Revision?
        var lease = LeaseID.none

        init(_ reader: inout FieldReader) throws(PeerFrameError) {
            let outer = try reader.enter()
            while let tag = try reader.nextTag() {
                switch tag {
                case 1 << 3 | 2: key = try reader.bytes()
                case 2 << 3 | 2: value = try reader.bytes()
                case 3 << 3: expected = try reader.revision()
                case 4 << 3 | 1: lease = LeaseID(bits: try reader.fixed())
                default: try reader.skip(tag)
                }
            }
            reader.leave(to: outer)
            do throws(StoreError) {
                try Transaction.checkKey(key)
                guard value.count <= StoreLimits.transactionBytesMax else { throw .tooLarge }
            } catch { throw reader.failure }
        }
    }
}

// MARK: Transactions

extension Transaction {
    fileprivate var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for compare in compares { bytes.append(field: 1, message: compare.encoded) }
        for operation in success { bytes.append(field: 2, message: operation.encoded) }
        for operation in failure { bytes.append(field: 3, message: operation.encoded) }
        return bytes
    }

    fileprivate init(_ reader: inout FieldReader) throws(PeerFrameError) {
        self.init(then: [])
        let outer = try reader.enter()
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 2: compares.append(try Compare(&reader))
            case 2 << 3 | 2: success.append(try Operation(&reader))
            case 3 << 3 | 2: failure.append(try Operation(&reader))
            default: try reader.skip(tag)
            }
            guard compares.count + success.count + failure.count
                <= StoreLimits.transactionOperationsMax
            else { throw reader.failure }
        }
        reader.leave(to: outer)
    }
}

extension Compare {
    private static let relations: [Relation] = [.equal, .notEqual, .greater, .less]

    fileprivate var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(field: 1, message: range.encoded)
        bytes.append(field: 2, varint: UInt64(Self.relations.firstIndex(of: relation) ?? 0))
        switch subject {
        case .createRevision(let revision): bytes.append(field: 3, revision: revision)
        case .modRevision(let revision): bytes.append(field: 4, revision: revision)
        case .version(let version):
            bytes.append(field: 5, revision: Revision(version))
        case .value(let value): bytes.append(field: 6, message: value)
        case .lease(let lease): bytes.append(field: 7, revision: Revision(lease.number))
        }
        return bytes
    }

    fileprivate init(_ reader: inout FieldReader) throws(PeerFrameError) {
        var (range, relation, subject): (KeyRange?, Relation, Subject?) = (nil, .equal, nil)
        let outer = try reader.enter()
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 2: range = try KeyRange(&reader)
            case 2 << 3:
                let number = try reader.varint()
                guard number < UInt64(Self.relations.count) else { throw reader.failure }
                relation = Self.relations[Int(number)]
            case 3 << 3: subject = .createRevision(try reader.revision())
            case 4 << 3: subject = .modRevision(try reader.revision())
            case 5 << 3: subject = .version(try reader.revision().number)
            case 6 << 3 | 2: subject = .value(try reader.bytes())
            case 7 << 3: subject = .lease(LeaseID(try reader.revision().number))
            default: try reader.skip(tag)
            }
        }
        reader.leave(to: outer)
        guard let range, let subject else { throw reader.failure }
        self.init(range, relation, subject)
    }
}

extension Operation {
    fileprivate var encoded: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .put(let key, let value, let lease, let previous):
            bytes.append(field: 1, message: key)
            bytes.append(field: 2, bytes: value)
            bytes.append(field: 3, fixed: lease.bits)
            bytes.append(field: 6, varint: previous ? 1 : 0)
        case .delete(let range, let previous):
            bytes.append(field: 4, message: range.encoded)
            bytes.append(field: 6, varint: previous ? 1 : 0)
        case .range(let query): bytes.append(field: 5, message: query.encoded)
        }
        return bytes
    }

    fileprivate init(_ reader: inout FieldReader) throws(PeerFrameError) {
        var (key, value, lease): ([UInt8]?, [UInt8], LeaseID) = (nil, [], .none)
        var (deleted, query, previous): (KeyRange?, RangeQuery?, Bool) = (nil, nil, false)
        let outer = try reader.enter()
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 2: key = try reader.bytes()
            case 2 << 3 | 2: value = try reader.bytes()
            case 3 << 3 | 1: lease = LeaseID(bits: try reader.fixed())
            case 4 << 3 | 2: deleted = try KeyRange(&reader)
            case 5 << 3 | 2: query = try RangeQuery(&reader)
            case 6 << 3: previous = try reader.varint() != 0
            default: try reader.skip(tag)
            }
        }
        reader.leave(to: outer)
        switch (key, deleted, query) {
        case (let key?, nil, nil):
            self = .put(key: key, value: value, lease: lease, previous: previous)
        case (nil, let range?, nil): self = .delete(range, previous: previous)
        case (nil, nil, let query?): self = .range(query)
        default: throw reader.failure
        }
    }
}

extension RangeQuery {
    private static let orders: [Order] = [.key, .version, .createRevision, .modRevision, .value]

    fileprivate var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(field: 1, message: range.encoded)
        bytes.append(field: 2, revision: revision)
        bytes.append(field: 3, revision: limit.map { Revision(Int64($0)) })
        bytes.append(field: 4, varint: countOnly ? 1 : 0)
        bytes.append(field: 5, varint: UInt64(Self.orders.firstIndex(of: order) ?? 0))
        bytes.append(field: 6, varint: descending ? 1 : 0)
        return bytes
    }

    fileprivate init(_ reader: inout FieldReader) throws(PeerFrameError) {
        self.init(.all)
        let outer = try reader.enter()
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 2: range = try KeyRange(&reader)
            case 2 << 3: revision = try reader.revision()
            case 3 << 3: limit = Int(clamping: try reader.revision().number)
            case 4 << 3: countOnly = try reader.varint() != 0
            case 5 << 3:
                let number = try reader.varint()
                guard number < UInt64(Self.orders.count) else { throw reader.failure }
                order = Self.orders[Int(number)]
            case 6 << 3: descending = try reader.varint() != 0
            default: try reader.skip(tag)
            }
        }
        reader.leave(to: outer)
        guard (limit ?? 0) >= 0 else { throw reader.failure }
    }
}

extension KeyRange {
    fileprivate var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(field: 1, bytes: start)
        if let end { bytes.append(field: 2, message: end) }
        return bytes
    }

    fileprivate init(_ reader: inout FieldReader) throws(PeerFrameError) {
        var (start, end): ([UInt8], [UInt8]?) = ([], nil)
        let outer = try reader.enter()
        while let tag = try reader.nextTag() {
            switch tag {
            case 1 << 3 | 2: start = try reader.bytes()
            case 2 << 3 | 2: end = try reader.bytes()
            default: try reader.skip(tag)
            }
        }
        reader.leave(to: outer)
        self.init(from: start, to: end)
    }
}

// MARK: Numbers that may be absent

extension LeaseID {
    fileprivate var bits: UInt64 { UInt64(bitPattern: number) }
    fileprivate init(bits: UInt64) { self.init(Int64(bitPattern: bits)) }
}

extension [UInt8] {
    /// One more than the number, as protobuf leaves zeros out; nothing for nil.
    fileprivate mutating func append(field: UInt64, revision: Revision?) {
        guard let revision else { return }
        append(field: field, varint: UInt64(bitPattern: revision.number) &+ 1)
    }
}

extension FieldReader {
    fileprivate mutating func revision() throws(PeerFrameError) -> Revision {
        Revision(Int64(bitPattern: try varint() &- 1))
    }
}
