/// What is wrong with JSON, worded as kube-apiserver words it.
public enum JSONError: Error, Equatable, CustomStringConvertible {
    /// Not JSON. The offset is that of the byte where it was noticed.
    case syntax(String, offset: Int)
    /// JSON, but not what the field holds.
    case mismatch(String, offset: Int)
    case tooBig
    case tooDeep(offset: Int)

    public var description: String {
        switch self {
        case .syntax(let text, _), .mismatch(let text, _): text
        case .tooBig: "the object is larger than \(Bounds.objectBytesMax) bytes"
        case .tooDeep: "exceeded max depth"
        }
    }

    /// Of the byte where it was noticed.
    public var offset: Int {
        switch self {
        case .syntax(_, let offset), .mismatch(_, let offset), .tooDeep(let offset): offset
        case .tooBig: Bounds.objectBytesMax
        }
    }
}
