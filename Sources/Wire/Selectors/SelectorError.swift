/// Why a text or object is no selector, in Kubernetes' words.
public struct SelectorError: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
