/// What an object says of its kind, read before the object itself.
public struct JSONHeader: Equatable, Sendable {
    /// Empty if it does not say.
    public var apiVersion = ""
    public var kind = ""

    /// Checks the grammar of all of `bytes` and reads apiVersion and kind at the top.
    ///
    /// - Throws: ``JSONError`` in kube-apiserver's words, `couldn't get version/kind` and so on.
    public init(_ bytes: RawSpan) throws(JSONError) {
        guard bytes.byteCount <= Bounds.objectBytesMax else { throw .tooBig }
        self = try bytes.withCursor { (cursor) throws(JSONError) in
            do throws(JSONError) {
                return try JSONHeader(cursor)
            } catch {
                throw JSONHeader.framed(error)
            }
        }
    }

    private init(_ cursor: ByteCursor) throws(JSONError) {
        var syntax = JSONSyntax(cursor)
        var wrong: JSONError?
        let kind = try syntax.kind()
        guard kind == .object else {
            try syntax.skipValue()
            try syntax.end()
            if kind == .null { return }
            throw JSONHeader.mismatch(kind, JSONHeader.goType, cursor.position)
        }
        if try syntax.enterObject() {
            repeat { try member(&syntax, &wrong) } while try syntax.nextMember()
        }
        try syntax.end()
        if let wrong { throw wrong }
    }

    private mutating func member(_ syntax: inout JSONSyntax, _ wrong: inout JSONError?)
        throws(JSONError)
    {
        let key = try syntax.key()
        let isKind = syntax.cursor.equals(key, "\"kind\"")
        guard isKind || syntax.cursor.equals(key, "\"apiVersion\"") else {
            return try syntax.skipValue()
        }
        let kind = try syntax.kind()
        let start = syntax.cursor.position
        try syntax.skipValue()
        if kind == .string {
            let text = syntax.text(start..<syntax.cursor.position)
            if isKind { self.kind = text } else { apiVersion = text }
        } else if kind != .null, wrong == nil {
            let field = "Go struct field .\(isKind ? "kind" : "apiVersion") of type string"
            wrong = JSONHeader.mismatch(kind, field, start)
        }
    }

    private static let goType = "Go value of type struct { APIVersion string "
        + "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"

    private static func mismatch(_ kind: JSONSyntax.Kind, _ place: String, _ offset: Int)
        -> JSONError
    {
        .mismatch("json: cannot unmarshal \(kind.goWord) into \(place)", offset: offset)
    }

    private static func framed(_ error: JSONError) -> JSONError {
        let frame = "couldn't get version/kind; json parse error: "
        switch error {
        case .syntax(let text, let offset): return .syntax(frame + text, offset: offset)
        case .mismatch(let text, let offset): return .mismatch(frame + text, offset: offset)
        case .tooBig, .tooDeep: return error
        }
    }
}
