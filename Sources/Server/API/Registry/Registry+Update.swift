import APIErrors
import Authorization
import Kubernetes
import Rules
import Store
import StoreCore
import Wire

extension Registry {
    /// Times that a write is tried again when somebody else was faster.
    static let retriesMax = 5

    func update(_ operation: Operation) async throws(APIError) -> Outcome {
        let name = operation.name ?? ""
        var tree = try decode(operation)
        if tree.metadata.name.isEmpty, operation.subresource != nil { tree.metadata.name = name }
        guard tree.metadata.name == name else {
            throw .nameMismatch(tree.metadata.name, path: name)
        }
        try checkNamespace(tree, operation)
        tree.metadata.namespace = operation.namespace ?? ""
        if operation.subresource == nil, KindTraits.allowsCreateOnUpdate(operation.type),
            try find(operation, name: name) == nil {
            tree.metadata.resourceVersion = ""
            var creation = operation
            creation.verb = .create
            creation.body = .tree(tree)
            try authorizer.permit(Attributes(of: creation), under: policy.current)
            return .object(try await create(creation), isNew: true)
        }
        let asked = tree
        return .object(
            try await change(operation, name: name, retries: asked.metadata.resourceVersion.isEmpty) {
                (_: Message) throws(APIError) in asked
            }, isNew: false)
    }

    func patch(_ operation: Operation) async throws(APIError) -> Outcome {
        let patch = try PatchBody(operation)
        let conversion = operation.conversion
        let changed = try await change(operation, name: operation.name ?? "", retries: true) {
            (current: Message) throws(APIError) in
            let patched = try patch.applied(to: conversion?.served(current) ?? current)
            let (given, name) = (patched.metadata.name, current.metadata.name)
            guard given == name else { throw .nameMismatch(given, path: name) }
            return conversion?.stored(patched) ?? patched
        }
        return .object(changed, isNew: false)
    }

    /// Reads an object, lets `make` say what it should become, and writes that.
    ///
    /// - Parameter retries: Whether to begin again when somebody else wrote meanwhile.
    func change(
        _ operation: Operation, name: String, retries: Bool,
        _ make: @Sendable (Message) throws(APIError) -> Message
    ) async throws(APIError) -> EncodedObject {
        for attempt in 0...Self.retriesMax {
            guard let stored = try find(operation, name: name) else {
                throw .notFound(operation.qualified, name)
            }
            let old = try stored.tree()
            var new = try make(old)
            try checkIdentity(&new, old, operation)
            try prepare(&new, old: old, operation)
            let taken = try addresses.take(&new, old: old)
            defer { addresses.giveBack(taken) }
            do throws(StoreError) {
                let written = try await replace(
                    stored, old, with: new, claiming: taken, operation)
                if let written { return written }
            } catch {
                guard case .conflict = error else { throw APIError(store: error) }
                guard retries, attempt < Self.retriesMax else { throw .conflict(operation.qualified, name) }
                continue
            }
            try await confirmNewest()
        }
        throw .conflict(operation.qualified, name)
    }

    /// An update is of the object that is there, and of the version that the client saw, if it says so.
    private func checkIdentity(
        _ new: inout Message, _ old: Message, _ operation: Operation
    ) throws(APIError) {
        let (oldMeta, newMeta) = (old.metadata, new.metadata)
        if operation.verb != .patch, !newMeta.uid.isEmpty, newMeta.uid != oldMeta.uid {
            throw .uidMismatch(
                operation.qualified, namespace: operation.namespace, name: oldMeta.name,
                given: newMeta.uid, actual: oldMeta.uid)
        }
        if !newMeta.resourceVersion.isEmpty {
            guard Int64(newMeta.resourceVersion) != nil else {
                throw .badRequest(
                    "invalid resource version: resourceVersion: Invalid value: \"\(newMeta.resourceVersion)\": strconv.ParseUint: parsing \"\(newMeta.resourceVersion)\": invalid syntax")
            }
            guard newMeta.resourceVersion == oldMeta.resourceVersion else {
                throw .conflict(operation.qualified, oldMeta.name)
            }
        } else if operation.verb == .update,
            !KindTraits.allowsUnconditionalUpdate(operation.type) {
            throw .missingResourceVersion(operation.qualified, oldMeta.name)
        }
    }

    /// Defaults, rules and validation of what an object is to become.
    private func prepare(
        _ new: inout Message, old: Message, _ operation: Operation
    ) throws(APIError) {
        let subresource = operation.subresource?.name
        if subresource == "binding" { return }  // Checked by its own rules.
        Rules.applyDefaults(to: &new)
        Rules.prepareForUpdate(
            &new, old: old, subresource: subresource, rulesContext(operation))
        if new.metadata.resourceVersion.isEmpty {
            new.metadata.resourceVersion = old.metadata.resourceVersion
        }
        try admit(&new, old: old, operation)
        try validate(new, old: old, operation)
        new.metadata.resourceVersion = old.metadata.resourceVersion
    }

    /// Writes `new` in the place of `stored`: nothing if they are the same, and a deletion if it was
    /// only waiting for its last finalizer. Returns nil if what it was given is not free any more.
    private func replace(
        _ stored: EncodedObject, _ old: Message, with new: Message,
        claiming taken: ServiceAddresses.Taken, _ operation: Operation
    ) async throws(StoreError) -> EncodedObject? {
        guard new != old else { return stored }
        let key = key(operation, name: old.metadata.name)
        var object = EncodedObject(new, revision: stored.revision)
        guard !operation.write.isDryRun else { return object }
        if new.isReadyToGo(after: old) {
            object.revision = try await store.delete(key, expecting: stored.revision)
        } else {
            let revision = try await put(
                key, object.bytes, expecting: stored.revision, claiming: taken)
            guard let revision else { return nil }
            object.revision = revision
        }
        return object
    }
}

extension Message {
    /// Whether it is being deleted, and nothing holds it any more.
    fileprivate func isReadyToGo(after old: Message) -> Bool {
        let meta = metadata
        guard meta.deletionTimestamp != nil, meta.finalizers.isEmpty else { return false }
        // A namespace has finalizers of its own in its spec, beside those of its metadata.
        if let namespace = CoreV1.Namespace(self) { return namespace.spec.finalizers.isEmpty }
        return (meta.deletionGracePeriodSeconds ?? 0) == 0 && !old.metadata.finalizers.isEmpty
    }
}
