/// An amount of a resource, such as `250m` or `1Gi`, in Kubernetes' canonical form.
public struct Quantity: Hashable, Sendable {
    /// In canonical form.
    public let text: String

    /// `text` must be canonical, as it is in every tree.
    init(canonical text: String) { self.text = text }
}

extension Quantity: FieldValue {
    public init?(_ value: Value) {
        guard case .string(let text) = value else { return nil }
        self.text = text
    }
    public var value: Value { .string(text) }
    public static var zero: Quantity { Quantity(canonical: "0") }
}
