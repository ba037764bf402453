/// A request's body, which may still be on its way.
public struct RequestBody: Sendable {
    enum Source: Sendable {
        case bytes([UInt8])
        case incoming(IncomingBody)
    }

    let source: Source

    public static let empty = RequestBody([])

    /// A body that is there already.
    public init(_ bytes: [UInt8]) {
        source = .bytes(bytes)
    }

    init(incoming: IncomingBody) {
        source = .incoming(incoming)
    }

    /// The whole body.
    ///
    /// - Throws: ``RequestBodyError/tooLarge(bytesMax:)`` as soon as more than `bytesMax` bytes are
    ///   announced or have come in.
    public func collect(upTo bytesMax: Int) async throws(RequestBodyError) -> [UInt8] {
        switch source {
        case .bytes(let bytes):
            guard bytes.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
            return bytes
        case .incoming(let incoming):
            return try await incoming.collect(upTo: bytesMax)
        }
    }

    /// The body piece by piece, as it comes in. What is not taken stays with the client, by flow
    /// control. A body is read once: by this or by ``collect(upTo:)``.
    public func chunks() -> Chunks { Chunks(source: source) }

    public struct Chunks {
        let source: Source
        private var isTaken = false

        init(source: Source) { self.source = source }

        /// What has come in since the last call, waiting for some; nil at the end.
        public mutating func next() async throws(RequestBodyError) -> [UInt8]? {
            switch source {
            case .incoming(let incoming):
                return try await incoming.next()
            case .bytes(let bytes):
                defer { isTaken = true }
                return isTaken || bytes.isEmpty ? nil : bytes
            }
        }
    }
}

public enum RequestBodyError: Error, Equatable {
    /// 413.
    case tooLarge(bytesMax: Int)
    /// The client went away, reset the stream or broke the framing before the end.
    case disconnected
}
