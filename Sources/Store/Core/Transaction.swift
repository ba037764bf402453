/// Changes that happen together or not at all, if what they assume still holds.
///
/// If all `compares` hold, the `success` operations are carried out, else those of `failure`.
public struct Transaction: Sendable {
    public var compares: [Compare]
    public var success: [Operation]
    public var failure: [Operation]

    public init(
        if compares: [Compare] = [], then success: [Operation], else failure: [Operation] = []
    ) {
        (self.compares, self.success, self.failure) = (compares, success, failure)
    }
}

/// An assumption about every key in a range. A key that is not there has version and revisions 0,
/// no lease, and no value that any comparison could hold for.
public struct Compare: Sendable {
    public enum Subject: Sendable {
        case createRevision(Revision)
        case modRevision(Revision)
        case version(Int64)
        case value([UInt8])
        case lease(LeaseID)
    }
    /// How what is there is to relate to what is given.
    public enum Relation: Sendable { case equal, notEqual, greater, less }

    public var range: KeyRange
    public var relation: Relation
    public var subject: Subject

    public init(_ range: KeyRange, _ relation: Relation, _ subject: Subject) {
        (self.range, self.relation, self.subject) = (range, relation, subject)
    }

    public init(_ key: [UInt8], _ relation: Relation, _ subject: Subject) {
        self.init(.key(key), relation, subject)
    }
}

/// One step of a transaction. A later step sees what an earlier one did.
public enum Operation: Sendable {
    /// Sets `key`; `previous` asks for what was there before.
    case put(key: [UInt8], value: [UInt8], lease: LeaseID = .none, previous: Bool = false)
    /// Deletes every key in the range; `previous` asks for what was there before.
    case delete(KeyRange, previous: Bool = false)
    case range(RangeQuery)
}

/// What to read of a range of keys.
public struct RangeQuery: Sendable {
    public enum Order: Sendable { case key, version, createRevision, modRevision, value }

    public var range: KeyRange
    /// Nil for the newest.
    public var revision: Revision?
    /// How many entries at most; nil for all. The count is of all keys in the range, always.
    public var limit: Int?
    public var countOnly: Bool
    public var order: Order
    public var descending: Bool

    public init(
        _ range: KeyRange, at revision: Revision? = nil, limit: Int? = nil, countOnly: Bool = false,
        order: Order = .key, descending: Bool = false
    ) {
        (self.range, self.revision, self.limit) = (range, revision, limit)
        (self.countOnly, self.order, self.descending) = (countOnly, order, descending)
    }

    /// Entries to collect before sorting: a sort needs them all.
    package var collectedMax: Int {
        if countOnly { return 0 }
        let isInKeyOrder = order == .key && !descending
        return isInKeyOrder ? limit ?? Int.max : Int.max
    }
}

extension Transaction {
    /// Refuses what could never be carried out, whatever the store holds.
    package func check() throws(StoreError) {
        let operations = success.count + failure.count + compares.count
        guard operations <= StoreLimits.transactionOperationsMax else { throw .tooLarge }
        try Self.check(success)
        try Self.check(failure)
    }

    private static func check(_ operations: [Operation]) throws(StoreError) {
        var puts: Set<[UInt8]> = []
        var bytes = 0
        for case .put(let key, let value, _, _) in operations {
            try checkKey(key)
            guard puts.insert(key).inserted else { throw .duplicateKey(key) }
            bytes += Change.stride(keyBytes: key.count, valueBytes: value.count)
        }
        guard bytes <= StoreLimits.transactionBytesMax else { throw .tooLarge }
        for case .delete(let range, _) in operations {
            if let key = puts.first(where: { range.contains($0) }) { throw .duplicateKey(key) }
        }
    }

    package static func checkKey(_ key: [UInt8]) throws(StoreError) {
        guard !key.isEmpty, key.count <= StoreLimits.keyBytesMax else { throw .unusableKey }
    }
}
