public import APIErrors
public import Kubernetes
public import Wire

extension Message {
    /// The metadata of an object of any kind.
    public var objectMeta: MetaV1.ObjectMeta {
        get { view(1) }
        _modify { yield &self[view: 1] }
    }
}

extension APIClient {
    public func get<Kind: MessageView>(
        _ kind: Kind.Type, namespace: String? = nil, name: String
    ) async throws(APIError) -> Kind {
        let address = ResourceAddress(Kind.messageType, namespace: namespace, name: name)
        return try Kind(answer: await get(address))
    }

    /// All objects of a kind as trees: for small lists. Pages of 500 are joined.
    public func list<Kind: MessageView>(
        _ kind: Kind.Type, namespace: String? = nil, _ selection: Selection = Selection()
    ) async throws(APIError) -> [Kind] {
        let address = ResourceAddress(Kind.messageType, namespace: namespace)
        var options = ListOptions(selection: selection, limit: 500)
        var views: [Kind] = []
        repeat {
            let page = try await list(address, options)
            for item in page.items { views.append(try Kind(answer: item.tree())) }
            options.continuation = page.continuation
        } while options.continuation != nil
        return views
    }

    /// Creates `object` where its metadata says.
    public func create<Kind: MessageView>(_ object: Kind) async throws(APIError) -> Kind {
        let address = ResourceAddress(
            Kind.messageType, namespace: object.tree.objectMeta.namespace)
        return try Kind(answer: await create(object.tree, at: address, WriteOptions()))
    }

    /// Replaces `object` where its metadata says.
    public func update<Kind: MessageView>(_ object: Kind) async throws(APIError) -> Kind {
        let address = ResourceAddress(of: object.tree)
        return try Kind(answer: await update(object.tree, at: address, WriteOptions()))
    }

    /// Replaces the status of `object`; the rest of it is ignored.
    public func updateStatus<Kind: MessageView>(_ object: Kind) async throws(APIError) -> Kind {
        let address = ResourceAddress(of: object.tree, subresource: "status")
        return try Kind(answer: await update(object.tree, at: address, WriteOptions()))
    }

    public func patch<Kind: MessageView>(
        _ kind: Kind.Type, namespace: String? = nil, name: String, subresource: String? = nil,
        _ patch: Patch
    ) async throws(APIError) -> Kind {
        let address = ResourceAddress(
            Kind.messageType, namespace: namespace, name: name, subresource: subresource)
        return try Kind(answer: await self.patch(address, patch, WriteOptions()))
    }

    public func delete<Kind: MessageView>(
        _ kind: Kind.Type, namespace: String? = nil, name: String,
        _ options: DeleteOptions = DeleteOptions()
    ) async throws(APIError) {
        _ = try await delete(
            ResourceAddress(Kind.messageType, namespace: namespace, name: name), options)
    }
}

extension MessageView {
    /// The view of what a server answered to a request about this kind.
    fileprivate init(answer tree: Message) throws(APIError) {
        guard let view = Self(tree) else {
            throw APIError.noAnswer(
                "asked about \(Self.messageType.kind), was answered \(tree.type.kind)")
        }
        self = view
    }
}
