/// A point in the store's history. Every transaction that changes something makes the next one.
///
/// An empty store is at revision 1, as etcd's is; its first change makes revision 2.
public struct Revision: Comparable, Hashable, Sendable, CustomStringConvertible {
    public let number: Int64

    @inlinable
    public init(_ number: Int64) { self.number = number }

    /// Before all history. As a key's mod or create revision it means that there is no such key.
    public static let none = Revision(0)
    /// Where an empty store stands.
    public static let start = Revision(1)

    @inlinable
    public var next: Revision { Revision(number + 1) }

    public var description: String { "\(number)" }

    @inlinable
    public static func < (left: Revision, right: Revision) -> Bool { left.number < right.number }
}

/// Names a lease. Zero means "no lease".
public struct LeaseID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
    public static let none = LeaseID(0)
    public var description: String { "\(number)" }
    public static func < (left: LeaseID, right: LeaseID) -> Bool { left.number < right.number }
}

/// Where a change lies in the log: the segment's sequence number, and the byte offset in its file.
public struct Place: Hashable, Sendable {
    public let segment: UInt32
    public let offset: UInt32
    public init(segment: UInt32, offset: UInt32) { (self.segment, self.offset) = (segment, offset) }
}
