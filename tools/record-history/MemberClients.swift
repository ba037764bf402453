import Synchronization
import Transport
import Wire

/// An HTTP client for each member of a store.
struct MemberClients: Sendable {
    /// What came of a request.
    enum Answer {
        case whole(status: Int, Value?)
        /// There was no connection, so nothing was asked.
        case unreachable
        /// Nobody knows what became of the request.
        case lost
    }

    private static let answerBytesMax = 64 << 20
    private let clients: [HTTPClient]

    /// - Parameter urls: `https://HOST:PORT` of each member, or `http://`.
    init(_ urls: [String], authority: [UInt8], token: String?) throws {
        clients = try urls.map { url in
            let (host, port, isSecure) = try Self.parts(of: url)
            var configuration = HTTPClientConfiguration(
                host: host, port: port,
                tls: isSecure ? ClientTLSConfiguration(serverCAsPEM: authority) : nil,
                bearerToken: token)
            configuration.idleConnectionsMax = 1024
            configuration.connectTimeout = .seconds(1)
            configuration.repeatsRequests = false
            return try HTTPClient(configuration)
        }
    }

    var count: Int { clients.count }

    func ask(_ member: Int, _ request: HTTPClientRequest) async -> Answer {
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            response = try await clients[member].send(request)
        } catch .unreachable, .tooManyConnections {
            return .unreachable
        } catch {
            return .lost
        }
        do throws(RequestBodyError) {
            let bytes = try await response.body.collect(upTo: Self.answerBytesMax)
            return .whole(status: response.status, Value.read(bytes))
        } catch {
            return .lost
        }
    }

    /// Hands over each line of an answer; what is no JSON, as nil.
    ///
    /// - Returns: The status; nil if no answer came.
    func lines(
        _ member: Int, _ request: HTTPClientRequest, _ use: (Value?) -> Bool
    ) async -> Int? {
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            response = try await clients[member].send(request)
        } catch {
            return nil
        }
        guard response.status == 200 else { return response.status }
        var rest: [UInt8] = []
        while !Task.isCancelled {
            do throws(RequestBodyError) {
                guard let bytes = try await response.body.next() else { break }
                rest += bytes
            } catch {
                break
            }
            var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            rest = Array(lines.removeLast())
            for line in lines where !line.isEmpty {
                guard use(Value.read(Array(line))) else { return response.status }
            }
        }
        return response.status
    }

    func shutdown() async {
        for client in clients { await client.shutdown() }
    }

    private static func parts(of url: String) throws -> (String, Int, isSecure: Bool) {
        let pieces = url.split(separator: "/", omittingEmptySubsequences: true)
        guard pieces.count == 2, ["http:", "https:"].contains(pieces[0]),
            let colon = pieces[1].lastIndex(of: ":"),
            let port = Int(pieces[1][pieces[1].index(after: colon)...])
        else { throw UsageError(reason: "\(url) is not http://HOST:PORT or https://HOST:PORT") }
        return (String(pieces[1][..<colon]), port, pieces[0] == "https:")
    }
}

struct UsageError: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
}

extension Value {
    /// Nil for what is no JSON, such as an answer that was cut off.
    static func read(_ bytes: [UInt8]) -> Value? {
        do throws(JSONError) { return try Value(json: bytes) } catch { return nil }
    }

    subscript(name: String) -> Value? {
        if case .map(let map) = self { map[name] } else { nil }
    }

    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// Of a number, also of one in a string as protobuf's JSON writes 64 bits.
    var number: Int64? {
        switch self {
        case .int(let number): number
        case .string(let text): Int64(text)
        default: nil
        }
    }

    var items: [Value] {
        if case .list(let items) = self { items } else { [] }
    }
}
