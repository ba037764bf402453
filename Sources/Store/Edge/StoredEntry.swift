public import StoreCore

/// One version of a key, as it lies in the log. Costs no copy of its bytes.
///
/// It keeps the segment that it lies in from being used again, so hold it briefly; copy the bytes
/// for longer.
public struct StoredEntry: Sendable {
    private let segment: Segment
    private let change: Change

    init(_ place: Place, in segments: SegmentSet) throws(StoreError) {
        guard let segment = segments[place.segment] else {
            throw .damaged(
                file: "segment \(place.segment)", LogDamage(offset: 0, reason: .missing))
        }
        let offset = Int(place.offset)
        guard let change = segment.withBytes({ Change(checkedAt: offset, in: $0) }) else {
            throw .damaged(file: segment.path, LogDamage(offset: offset, reason: .contents))
        }
        (self.segment, self.change) = (segment, change)
    }

    init(_ change: Change, in segment: Segment) { (self.segment, self.change) = (segment, change) }

    /// Whether this version is a delete: no value, and no revision but ``modRevision``.
    public var isDelete: Bool { change.isDelete }
    public var createRevision: Revision { change.createRevision }
    public var modRevision: Revision { change.modRevision }
    /// How many times the key was put since it was created.
    public var version: Int64 { change.version }
    public var lease: LeaseID { change.lease }
    public var keyBytes: Int { change.keyBytes }
    public var valueBytes: Int { change.valueBytes }

    public var key: [UInt8] { withKey { [UInt8]($0) } }
    public var value: [UInt8] { withValue { [UInt8]($0) } }

    /// Lends the key's bytes.
    public func withKey<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try segment.withBytes { (bytes) throws(Failure) in
            try body(bytes.extracting(change.keyOffset..<change.valueOffset))
        }
    }

    /// Lends the value's bytes.
    public func withValue<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try segment.withBytes { (bytes) throws(Failure) in
            try body(bytes.extracting(change.valueOffset..<change.valueOffset + change.valueBytes))
        }
    }
}
