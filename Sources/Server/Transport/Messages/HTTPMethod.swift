/// What a request asks to be done.
public enum HTTPMethod: Sendable, Hashable {
    case get, head, post, put, patch, delete, options, connect, trace
    /// A method that has no case of its own, as the client spelled it.
    case other(String)

    public init(_ name: String) {
        self = switch name {
        case "GET": .get
        case "HEAD": .head
        case "POST": .post
        case "PUT": .put
        case "PATCH": .patch
        case "DELETE": .delete
        case "OPTIONS": .options
        case "CONNECT": .connect
        case "TRACE": .trace
        default: .other(name)
        }
    }

    /// The method's name as it stands in a request line.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other(let name): name
        }
    }
}
