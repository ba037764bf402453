/// Labels in whatever form they are at hand.
public protocol LabelSource {
    associatedtype Text: Collection<UInt8>
    /// The value of a label in UTF-8, or nil if there is no such label.
    func value(ofLabel key: String) -> Text?
}

extension Dictionary: LabelSource where Key == String, Value == String {
    public func value(ofLabel key: String) -> String.UTF8View? { self[key]?.utf8 }
}

extension ValueMap: LabelSource {
    public func value(ofLabel key: String) -> String.UTF8View? {
        guard case .string(let text)? = self[key] else { return nil }
        return text.utf8
    }
}

/// Labels as pairs of bytes, as they stand in an object's encoding.
///
/// Looking for a label costs O(pairs) and makes no copy, if the sequence and its texts make none.
public struct LabelPairs<Pairs: Sequence, Text: Collection<UInt8>>: LabelSource
where Pairs.Element == (key: Text, value: Text) {
    public let pairs: Pairs

    public init(_ pairs: Pairs) { self.pairs = pairs }

    public func value(ofLabel key: String) -> Text? {
        pairs.first { $0.key.elementsEqual(key.utf8) }?.value
    }
}

extension Message: LabelSource {
    /// The labels of an object of any kind, or of an ObjectMeta.
    public func value(ofLabel key: String) -> String.UTF8View? {
        if case .message(let metadata)? = self["metadata"] {
            return metadata.value(ofLabel: key)
        }
        guard case .map(let labels)? = self["labels"] else { return nil }
        return labels.value(ofLabel: key)
    }
}
