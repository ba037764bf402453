import APIErrors
import Kubernetes
import Rules
import Store
import StoreCore
import Wire

extension Registry {
    /// Names that are tried for `generateName` before giving up.
    private static let generatedNamesMax = 8

    func create(_ operation: Operation) async throws(APIError) -> EncodedObject {
        var tree = try decode(operation)
        try checkNew(tree, operation)
        if operation.resource.isNamespaced {
            tree.metadata.namespace = operation.namespace ?? ""
            try checkNamespaceAccepts(operation, name: tree.metadata.name)
        }
        Rules.applyDefaults(to: &tree)
        try admit(&tree, old: nil, operation)
        let prefix = tree.metadata.generateName
        let isGenerated = tree.metadata.name.isEmpty && !prefix.isEmpty
        for attempt in 1...Self.generatedNamesMax {
            var named = tree
            if isGenerated { named.metadata.name = generatedName(prefix) }
            Rules.prepareForCreate(&named, rulesContext(operation))
            try validate(named, old: nil, operation)
            do throws(APIError) {
                return try await insert(named, operation)
            } catch where isGenerated && error.reason == .alreadyExists {
                if attempt == Self.generatedNamesMax {
                    throw .generatedNameTaken(operation.qualified, named.metadata.name)
                }
            }
        }
        preconditionFailure("the last attempt returns or throws")
    }

    /// Writes an object that is complete, if there is none of its name.
    private func insert(_ tree: Message, _ operation: Operation) async throws(APIError) -> EncodedObject {
        var tree = tree
        let name = tree.metadata.name
        let key = key(operation, name: name)
        if operation.write.isDryRun {
            guard try find(operation, name: name) == nil else {
                throw .alreadyExists(operation.qualified, name)
            }
            try addresses.rehearse(&tree)
            return EncodedObject(tree, revision: .none)
        }
        if tree.type === CoreV1.Service.messageType, try find(operation, name: name) != nil {
            // Before its address is missed: the one that is there may have it.
            throw .alreadyExists(operation.qualified, name)
        }
        for _ in 0...Self.retriesMax {
            var given = tree
            let taken = try addresses.take(&given)
            defer { addresses.giveBack(taken) }
            let object = EncodedObject(given, revision: .none)
            do throws(StoreError) {
                let revision = try await put(
                    key, object.bytes, expecting: .none, claiming: taken)
                if let revision {
                    return EncodedObject(
                        type: object.type, bytes: object.bytes, revision: revision)
                }
            } catch {
                if case .conflict = error { throw .alreadyExists(operation.qualified, name) }
                throw APIError(store: error)
            }
            try await confirmNewest()
        }
        throw .conflict(operation.qualified, name)
    }

    /// What no object that is to be created may say of itself.
    private func checkNew(_ tree: Message, _ operation: Operation) throws(APIError) {
        guard tree.metadata.resourceVersion.isEmpty else {
            throw .failure("resourceVersion should not be set on objects to be created")
        }
        try checkNamespace(tree, operation)
    }

    /// The object's namespace, if it says one, must be that of the path.
    func checkNamespace(_ tree: Message, _ operation: Operation) throws(APIError) {
        let said = tree.metadata.namespace
        guard said.isEmpty || said == operation.namespace ?? "" else {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
    }

    private func generatedName(_ prefix: String) -> String {
        GeneratedName.make(prefix: prefix, random: environment.random())
    }

    /// Kubernetes creates nothing in a namespace that is not there or is going.
    private func checkNamespaceAccepts(_ operation: Operation, name: String) throws(APIError) {
        guard let namespace = operation.namespace else { return }
        guard let found = try find(
            Self.namespaceType, Self.namespaceResource, namespace: nil, name: namespace)
        else {
            throw .notFound(GroupResource(group: "", resource: "namespaces"), namespace)
        }
        guard try found.isBeingDeleted() else { return }
        throw .namespaceTerminating(operation.qualified, name: name, namespace: namespace)
    }

    static let namespaceType = CoreV1.Namespace.messageType
    static var namespaceResource: Resource {
        guard let resource = namespaceType.resource else {
            preconditionFailure("proto/ serves no namespaces")
        }
        return resource
    }

    /// Reads the body as an object of the resource, as strictly as the client asked, and as it is
    /// to be stored.
    func decode(_ operation: Operation) throws(APIError) -> Message {
        let tree = try decodeServed(operation)
        return operation.conversion?.stored(tree) ?? tree
    }

    private func decodeServed(_ operation: Operation) throws(APIError) -> Message {
        switch operation.body {
        case .tree(let tree): return tree
        case .encoded(let bytes, let mediaType):
            return try Decoding.object(
                bytes, mediaType: mediaType, type: operation.bodyType,
                validation: operation.write.fieldValidation, warnings: operation.warnings)
        case .none:
            return try Decoding.object(
                [], mediaType: "application/json", type: operation.bodyType,
                validation: operation.write.fieldValidation)
        }
    }

    func validate(_ tree: Message, old: Message?, _ operation: Operation) throws(APIError) {
        let conversion = operation.conversion
        let seen = conversion?.validated(tree) ?? tree
        let errors = Rules.validate(
            seen, old: old.map { conversion?.validated($0) ?? $0 },
            subresource: operation.subresource?.name, rulesContext(operation))
        guard errors.isEmpty else {
            let (kind, group) = Rules.qualifiedKind(of: seen.type)
            throw .invalid(
                GroupKind(group: group, kind: kind), tree.metadata.name,
                causes: errors.map(\.cause))
        }
    }
}
