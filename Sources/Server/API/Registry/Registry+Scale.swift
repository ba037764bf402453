import APIErrors
import Kubernetes
import Wire

extension Registry {
    /// The scale subresource: replicas wanted and there, whatever kind has them.
    func scale(_ operation: Operation) async throws(APIError) -> Outcome {
        var main = operation
        main.subresource = nil
        switch operation.verb {
        case .get:
            return .tree(try Self.scale(of: get(main).tree()).tree, status: 200)
        case .update:
            let asked = try decodedScale(operation)
            guard asked.metadata.name == operation.name else {
                throw .badRequest("the name of the object (\(asked.metadata.name)) does not match the name on the URL (\(operation.name ?? ""))")
            }
            return try await setScale(main) { _ throws(APIError) in asked }
        case .patch:
            let patch = try PatchBody(operation)
            return try await setScale(main) { current throws(APIError) in
                AutoscalingV1.Scale(unchecked: try patch.applied(to: current.tree))
            }
        default: throw .methodNotAllowed
        }
    }

    private func decodedScale(_ operation: Operation) throws(APIError) -> AutoscalingV1.Scale {
        guard let scale = AutoscalingV1.Scale(try decode(operation)) else {
            throw .badRequest("the body is no Scale")
        }
        return scale
    }

    private func setScale(
        _ operation: Operation,
        _ make: @Sendable (AutoscalingV1.Scale) throws(APIError) -> AutoscalingV1.Scale
    ) async throws(APIError) -> Outcome {
        let changed = try await change(operation, name: operation.name ?? "", retries: true) {
            (current: Message) throws(APIError) in
            let wanted = try make(Self.scale(of: current))
            if wanted.spec.replicas < 0 {
                throw .invalid(
                    GroupKind(group: "autoscaling", kind: "Scale"), wanted.metadata.name,
                    causes: [APIError.Cause(
                        reason: "FieldValueInvalid",
                        message: "Invalid value: \(wanted.spec.replicas): must be greater than or equal to 0",
                        field: "spec.replicas")])
            }
            var new = current
            new.metadata.resourceVersion = wanted.metadata.resourceVersion
            new["spec"] = new["spec"].map { Self.setting($0, "replicas", .int(Int64(wanted.spec.replicas))) }
            return new
        }
        return .tree(Self.scale(of: try changed.tree()).tree, status: 200)
    }

    private static func setting(_ value: Value, _ field: String, _ to: Value) -> Value {
        guard case .message(var message) = value else { return value }
        message[field] = to
        return .message(message)
    }

    /// What an object's spec.replicas, status.replicas and selector are as a Scale.
    private static func scale(of tree: Message) -> AutoscalingV1.Scale {
        AutoscalingV1.Scale {
            $0.metadata.name = tree.metadata.name
            $0.metadata.namespace = tree.metadata.namespace
            $0.metadata.uid = tree.metadata.uid
            $0.metadata.resourceVersion = tree.metadata.resourceVersion
            $0.metadata.creationTimestamp = tree.metadata.creationTimestamp
            $0.spec.replicas = number(tree, "spec", "replicas")
            $0.status.replicas = number(tree, "status", "replicas")
            $0.status.selector = selector(tree)
        }
    }

    private static func number(_ tree: Message, _ part: String, _ field: String) -> Int {
        guard case .message(let message) = tree[part], case .int(let number) = message[field] else {
            return 0
        }
        return Int(number)
    }

    /// The selector as text: of a LabelSelector, or of a plain map of labels.
    private static func selector(_ tree: Message) -> String {
        guard case .message(let spec) = tree["spec"] else { return "" }
        switch spec["selector"] {
        case .message(let message):
            return (try? LabelSelector(object: message))?.description ?? ""
        case .map(let map):
            return map.entries.compactMap { entry in
                guard case .string(let value) = entry.value else { return nil }
                return "\(entry.key)=\(value)"
            }.joined(separator: ",")
        default: return ""
        }
    }
}
