public import APIClient
public import APIErrors
import Kubernetes
public import Transport
public import Wire

/// A client of an API server over HTTPS. Speaks protobuf.
public final class HTTPAPIClient: APIClient {
    /// Bytes of one answer; lists are asked for in pages.
    public static let answerBytesMax = 64 << 20

    private let http: HTTPClient
    private let pathPrefix: String

    /// - Throws: `TLSError` if certificates or key can't be used.
    public init(_ config: Kubeconfig) throws(TLSError) {
        http = try HTTPClient(
            HTTPClientConfiguration(
                host: config.host, port: config.port, tls: config.tls,
                bearerToken: config.bearerToken))
        pathPrefix = config.pathPrefix
    }

    /// Closes all connections, those of watches included. Call once.
    public func shutdown() async { await http.shutdown() }

    public func get(_ address: ResourceAddress) async throws(APIError) -> Message {
        try await object(.get, address, Query())
    }

    public func list(
        _ address: ResourceAddress, _ options: ListOptions
    ) async throws(APIError) -> ObjectList {
        let list = try await object(.get, address, Query(options))
        return try ObjectList(answer: list)
    }

    public func watch(
        _ address: ResourceAddress, _ options: WatchOptions
    ) async throws(APIError) -> any WatchStream {
        let target = pathPrefix + address.path + Query(options).text
        let headers: HTTPHeaders = ["accept": Self.watchMediaType]
        let response = try await send(HTTPClientRequest(.get, target, headers: headers))
        guard response.status == 200 else { throw await Self.failure(response) }
        return HTTPWatchStream(response.body, address.type)
    }

    public func create(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        try await self.object(.post, address, Query(options), Body(object))
    }

    public func update(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        try await self.object(.put, address, Query(options), Body(object))
    }

    public func patch(
        _ address: ResourceAddress, _ patch: Patch, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        try await object(.patch, address, Query(options), Body(patch))
    }

    public func delete(
        _ address: ResourceAddress, _ options: DeleteOptions
    ) async throws(APIError) -> Message {
        try await object(.delete, address, Query(), Body(MetaV1.DeleteOptions(options).tree))
    }

    public func deleteCollection(
        _ address: ResourceAddress, _ options: DeleteOptions, _ selection: ListOptions
    ) async throws(APIError) {
        let body = Body(MetaV1.DeleteOptions(options).tree)
        _ = try await object(.delete, address, Query(selection), body)
    }
}

// MARK: Requests and answers

extension HTTPAPIClient {
    static let mediaType = MediaType.protobuf.rawValue
    static let watchMediaType = "application/vnd.kubernetes.protobuf;stream=watch"

    private struct Body {
        var mediaType = ""
        var bytes: [UInt8] = []

        init() {}

        init(_ object: Message) {
            mediaType = HTTPAPIClient.mediaType
            bytes = ObjectCodec.encode(object, .protobuf)
        }

        init(_ patch: Patch) {
            mediaType = patch.kind.rawValue
            bytes = patch.body
        }
    }

    private func object(
        _ method: HTTPMethod, _ address: ResourceAddress, _ query: Query, _ body: Body = Body()
    ) async throws(APIError) -> Message {
        var headers: HTTPHeaders = ["accept": "\(Self.mediaType),application/json"]
        if !body.mediaType.isEmpty { headers.add("content-type", body.mediaType) }
        let target = pathPrefix + address.path + query.text
        let request = HTTPClientRequest(method, target, headers: headers, body: body.bytes)
        let response = try await send(request)
        guard (200..<300).contains(response.status) else { throw await Self.failure(response) }
        return try await Self.decode(response)
    }

    private func send(_ request: HTTPClientRequest) async throws(APIError) -> HTTPClientResponse {
        do throws(HTTPClientError) {
            return try await http.send(request)
        } catch {
            throw APIError.noAnswer("\(error)")
        }
    }

    private static func decode(_ response: HTTPClientResponse) async throws(APIError) -> Message {
        let header = response.headers["content-type"] ?? ""
        guard let type = MediaType(header: header) else {
            throw APIError.noAnswer("an answer of type \"\(header)\"")
        }
        let bytes: [UInt8]
        do throws(RequestBodyError) {
            bytes = try await response.body.collect(upTo: answerBytesMax)
        } catch {
            throw APIError.noAnswer("\(error)")
        }
        do throws(DecodeError) {
            return try ObjectCodec.decode(bytes, type).object
        } catch {
            throw APIError.noAnswer("an answer that is no object: \(error)")
        }
    }

    /// What a server says of a request that it did not carry out.
    private static func failure(_ response: HTTPClientResponse) async -> APIError {
        do throws(APIError) {
            if let status = MetaV1.Status(try await decode(response)) { return APIError(status) }
        } catch {
            // The code says enough.
        }
        return APIError(code: response.status, reason: .unknown, message: "HTTP \(response.status)")
    }
}

extension APIError {
    init(_ status: MetaV1.Status) {
        let details = status.details.map { details in
            Details(
                name: details.name, group: details.group, kind: details.kind, uid: details.uid,
                causes: details.causes.map { cause in
                    Cause(reason: cause.reason, message: cause.message, field: cause.field)
                },
                retryAfterSeconds: details.retryAfterSeconds)
        }
        self.init(
            code: status.code, reason: StatusReason(rawValue: status.reason) ?? .unknown,
            message: status.message, details: details)
    }
}

extension MetaV1.DeleteOptions {
    fileprivate init(_ options: DeleteOptions) {
        self.init {
            $0.gracePeriodSeconds = options.gracePeriodSeconds
            $0.propagationPolicy = options.propagation?.rawValue
            $0.dryRun = options.isDryRun ? ["All"] : []
            guard options.uid != nil || options.resourceVersion != nil else { return }
            $0.preconditions = MetaV1.Preconditions {
                $0.uid = options.uid
                $0.resourceVersion = options.resourceVersion?.text
            }
        }
    }
}

extension ObjectList {
    /// The list that a server has answered with.
    fileprivate init(answer list: Message) throws(APIError) {
        guard let field = list.type.field("items"),
            case .list(let values) = list[field.number] ?? .list([])
        else { throw APIError.noAnswer("an answer that is no list: \(list.type.kind)") }
        let metadata: MetaV1.ListMeta = list.view(1)
        self.init(
            items: values.compactMap { value in
                guard case .message(let item) = value else { return nil }
                return StoredObject(item).packed
            },
            resourceVersion: ResourceVersion(metadata.resourceVersion) ?? ResourceVersion(0),
            continuation: metadata.continue.isEmpty ? nil : metadata.continue,
            remainingItemCount: metadata.remainingItemCount)
    }
}
