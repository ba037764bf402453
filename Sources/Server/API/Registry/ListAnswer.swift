public import APIErrors
import Store
import StoreCore
public import Wire

/// A list that has been decided on: which objects, at which revision. Read it in pages, so that the
/// memory that it takes does not grow with its length.
public struct ListAnswer: Sendable {
    /// Of the objects as clients see them.
    public let type: MessageType
    private let storedType: MessageType
    private let conversion: Conversion?
    /// The revision that all of it is read at.
    public let revision: Revision
    let selection: Selection
    /// The token for the objects that the limit cut off; nil if there are none.
    public let continueToken: String?
    /// How many the limit cut off, if that is known.
    public let remainingCount: Int?
    private let store: Store
    private let range: KeyRange
    private let limit: Int

    /// Objects read at a time.
    private static let pageObjects = 256

    /// - Parameter limit: 0 for all.
    /// - Throws: 410 if the history of `revision` is gone: before the answer begins.
    init(
        _ store: Store, type: MessageType, range: KeyRange, at revision: Revision,
        selection: Selection, limit: Int, conversion: Conversion?,
        token: (_ lastKey: [UInt8]) -> String
    ) throws(APIError) {
        self.store = store
        self.type = conversion?.served ?? type
        storedType = type
        self.conversion = conversion
        self.revision = revision
        self.selection = selection
        guard revision >= store.compactedRevision else { throw .expiredList }
        guard limit > 0 else {
            (self.limit, self.range, continueToken, remainingCount) = (0, range, nil, nil)
            return
        }
        self.limit = limit
        let cut = try Self.cut(store, type, range, revision, selection, limit)
        guard let lastKey = cut.lastKey, cut.hasMore else {
            (self.range, continueToken, remainingCount) = (range, nil, nil)
            return
        }
        self.range = KeyRange(from: range.start, to: lastKey + [0])
        continueToken = token(lastKey)
        remainingCount = selection.isEverything ? cut.remaining : nil
    }

    private struct Cut {
        var lastKey: [UInt8]?
        var hasMore = false
        var remaining = 0
    }

    /// Finds the key of the last object that the limit lets through.
    private static func cut(
        _ store: Store, _ type: MessageType, _ range: KeyRange, _ revision: Revision,
        _ selection: Selection, _ limit: Int
    ) throws(APIError) -> Cut {
        var cut = Cut()
        var matched = 0
        var next = range
        do throws(StoreError) {
            while true {
                var lastSeen: [UInt8]?
                let page = selection.isEverything ? limit : pageObjects
                let summary = try store.withRange(next, at: revision, limit: page) { key, value, _ in
                    lastSeen = key.array
                    guard !cut.hasMore, selection.matches(value, type: type) else { return }
                    if matched == limit { cut.hasMore = true } else { cut.lastKey = key.array }
                    matched += 1
                }
                if selection.isEverything {
                    cut.remaining = summary.count - summary.visited
                    cut.hasMore = cut.remaining > 0
                    return cut
                }
                guard summary.hasMore, !cut.hasMore, let lastSeen else { return cut }
                next = KeyRange(from: lastSeen + [0], to: range.end)
            }
        } catch { throw APIError(store: error) }
    }

    /// The list from its beginning, to be gone through page by page.
    var pages: Pages { Pages(list: self, next: range) }

    /// Where somebody is in a list.
    struct Pages {
        fileprivate let list: ListAnswer
        fileprivate var next: KeyRange?

        /// Lends the bytes of each object of the next page, in order of the keys. Returns false once
        /// there is nothing left.
        mutating func next(
            _ visit: (RawSpan, Revision) throws(APIError) -> Void
        ) throws(APIError) -> Bool {
            guard let page = next else { return false }
            next = try list.visitPage(page, visit)
            return true
        }
    }

    /// Every object of the list, for those who need trees.
    public func forEachObject(
        _ body: (EncodedObject) throws(APIError) -> Void
    ) throws(APIError) {
        var next: KeyRange? = range
        while let page = next {
            var objects: [EncodedObject] = []
            next = try visitPage(page) { bytes, revision in
                objects.append(EncodedObject(type: type, bytes: bytes.array, revision: revision))
            }
            for object in objects { try body(object) }
        }
    }

    /// Returns what is left of the range after the page, nil at its end.
    fileprivate func visitPage(
        _ page: KeyRange, _ visit: (RawSpan, Revision) throws(APIError) -> Void
    ) throws(APIError) -> KeyRange? {
        var lastKey: [UInt8] = []
        var visited = 0
        var failure: APIError?
        let summary: RangeSummary
        do throws(StoreError) {
            summary = try store.withRange(page, at: revision, limit: Self.pageObjects) {
                key, value, version in
                visited += 1
                if visited == Self.pageObjects { lastKey = key.array }
                guard failure == nil, selection.matches(value, type: storedType) else { return }
                do throws(APIError) {
                    guard let conversion else { return try visit(value, version.modRevision) }
                    let seen = try conversion.served(EncodedObject(
                        type: storedType, bytes: value.array, revision: version.modRevision))
                    // The array outlives the span, which ends with this block.
                    try visit(unsafe seen.bytes.span.bytes, version.modRevision)
                } catch { failure = error }
            }
        } catch { throw APIError(store: error) }
        if let failure { throw failure }
        return summary.hasMore ? KeyRange(from: lastKey + [0], to: page.end) : nil
    }
}
