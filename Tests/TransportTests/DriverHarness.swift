import NIOCore
import NIOEmbedded
@testable import Transport

/// A connection without a socket: bytes are put in and taken out by hand, and handlers' tasks run
/// within the call that made them ready.
final class DriverHarness: DriverHost {
    let executor = EventLoopExecutor(eventLoop: EmbeddedEventLoop())
    private(set) var isReading = true
    private var driver: (any ProtocolDriver)?
    let date = Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8)
    var secondsUp: Int64 = 0

    init(_ version: ConnectionInfo.Version, limits: ServerLimits = ServerLimits(),
         _ respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) {
        let info = ConnectionInfo(remoteAddress: "test", version: version, isTLS: false,
                                  peerCertificate: .none)
        let scope = ConnectionScope(info: info, limits: limits, handler: Closure(respond))
        driver = version == .http2 ? HTTP2Connection(scope, host: self)
            : HTTP1Connection(scope, host: self)
    }

    func outputIsReady() {}
    func setReading(_ isReading: Bool) { self.isReading = isReading }

    var isFinished: Bool { driver?.isFinished ?? true }
    var isIdle: Bool { driver?.isIdle ?? true }

    func receive(_ bytes: [UInt8]) {
        executor.turn { driver?.receive(bytes.span) }
    }

    func receive(_ text: String) { receive(Array(text.utf8)) }

    /// All that goes out now.
    func output() -> [UInt8] {
        var output: [UInt8] = []
        var piece: [UInt8] = []
        repeat {
            piece = []
            executor.turn { driver?.fill(&piece, bytesMax: 1_000) }
            output += piece
        } while !piece.isEmpty
        return output
    }

    var text: String { String(decoding: output(), as: UTF8.self) }

    func shutDown() { executor.turn { driver?.shutDown() } }
    func abandon() { executor.turn { driver?.abandon() } }
}

struct Closure: RequestHandler {
    let closure: @Sendable (HTTPRequest) async -> HTTPResponse

    init(_ closure: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) {
        self.closure = closure
    }

    func respond(to request: HTTPRequest) async -> HTTPResponse { await closure(request) }
}

extension HTTPResponse {
    static func text(_ text: String) -> HTTPResponse {
        HTTPResponse(status: 200, body: .bytes(Array(text.utf8)))
    }

    /// Gives back the request's body, or 413 if it is over 100 KB.
    static func echo(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(RequestBodyError) {
            let body = try await request.body.collect(upTo: 100_000)
            return HTTPResponse(status: 200, body: .bytes(body))
        } catch {
            return HTTPResponse(status: error == .disconnected ? 400 : 413)
        }
    }
}
