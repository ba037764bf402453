/// What strategic merge patches must know of the value that they are at.
struct PatchSchema {
    /// How a field's value is patched.
    struct Strategy {
        /// Lists are merged with the patch's list, where they would else be replaced.
        var merges = false
        /// The field that tells elements apart; nil if they are plain values.
        var mergeKey: String?
    }

    private enum Shape {
        case message(MessageType)
        /// A map whose values are all alike.
        case map(of: MessageType?)
        /// Any JSON, or a plain value: nothing within it is known.
        case opaque(String)
    }

    private let shape: Shape

    init(_ type: MessageType) {
        switch type.form {
        case .fields: shape = .message(type)
        default: shape = .opaque(type.kind)
        }
    }

    private init(shape: Shape) { self.shape = shape }

    /// The schema of a field's value or of its elements.
    func lookup(_ name: String) throws(PatchError) -> (schema: PatchSchema, strategy: Strategy) {
        switch shape {
        case .message(let type):
            guard let field = type.steps(to: name)?.last else { throw unknown(name, in: type.kind) }
            let strategy = Strategy(merges: field.patchMerges, mergeKey: field.mergeKey)
            if field.isMap { return (PatchSchema(shape: .map(of: field.type)), strategy) }
            return (field.type.map(PatchSchema.init) ?? Self.plain, strategy)
        case .map(let type):
            return (type.map(PatchSchema.init) ?? Self.plain, Strategy())
        case .opaque(let kind):
            throw unknown(name, in: kind)
        }
    }

    private static let plain = PatchSchema(shape: .opaque("string"))

    private func unknown(_ name: String, in kind: String) -> PatchError {
        .failed("unable to find api field in struct \(kind) for the json field \(goQuoted(name))")
    }
}
