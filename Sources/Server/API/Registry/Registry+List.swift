import APIErrors
import Store
import StoreCore
import Wire

extension Registry {
    func list(_ operation: Operation) throws(APIError) -> ListAnswer {
        let parameters = operation.list
        let selection = try Selection(operation)
        let prefix = layout.collection(
            operation.type, operation.resource, namespace: operation.namespace)
        var range = KeyRange.prefix(prefix)
        if let name = selection.onlyName, operation.namespace != nil || !operation.resource.isNamespaced {
            range = .key(key(operation, name: name))
        }
        var at = try revision(of: parameters)
        var token: ContinueToken?
        if !parameters.continueToken.isEmpty {
            let given = try ContinueToken(parameters.continueToken)
            range = KeyRange(from: prefix + given.after + [0], to: range.end)
            if let revision = given.revision { at = revision }
            token = given
        }
        let revision = at
        do throws(APIError) {
            return try ListAnswer(
                store, type: operation.type, range: range, at: revision, selection: selection,
                limit: parameters.limit, conversion: operation.conversion
            ) { lastKey in
                let after = Array(lastKey.dropFirst(prefix.count))
                return ContinueToken(revision: revision, after: after).text
            }
        } catch where error.reason == .expired {
            guard let token else { throw error }
            throw .expiredContinueToken(
                goingOnWith: ContinueToken(revision: nil, after: token.after).text)
        }
    }

    /// The revision that a list is read at: now, unless an exact one is asked for.
    private func revision(of parameters: ListParameters) throws(APIError) -> Revision {
        let now = store.revision
        guard let asked = try Self.revision(parameters.resourceVersion) else { return now }
        if asked > now { throw .futureResourceVersion(asked.number, current: now.number) }
        let isExact = parameters.resourceVersionMatch == "Exact"
            || (parameters.limit > 0 && parameters.resourceVersionMatch.isEmpty && asked != .none)
        return isExact ? asked : now
    }

    /// The revision that a resourceVersion names; nil for the empty one.
    static func revision(_ text: String) throws(APIError) -> Revision? {
        guard !text.isEmpty else { return nil }
        guard let number = UInt64(text), number <= Int64.max else {
            throw .badRequest(
                "invalid resource version: resourceVersion: Invalid value: \"\(text)\": "
                    + "strconv.ParseUint: parsing \"\(text)\": invalid syntax")
        }
        return Revision(Int64(number))
    }
}

/// Where a list goes on: after which key, at which revision. Opaque to clients.
struct ContinueToken {
    /// Nil for whatever is newest: the history that the list began in is gone.
    let revision: Revision?
    /// The last key that was returned, without the collection's prefix.
    let after: [UInt8]

    init(revision: Revision?, after: [UInt8]) {
        self.revision = revision
        self.after = after
    }

    /// `1.REVISION.KEY`, the key in hexadecimal; -1 for the newest revision, as in Kubernetes.
    var text: String {
        "1.\(revision?.number ?? Self.newest).\(hexadecimalText(after))"
    }

    private static let newest: Int64 = -1

    /// - Throws: 400 for a text that is no token of ours.
    init(_ text: String) throws(APIError) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "1", let number = Int64(parts[1]),
            number > 0 || number == Self.newest, let key = Self.bytes(parts[2]), !key.isEmpty
        else {
            throw .badRequest("continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        }
        revision = number == Self.newest ? nil : Revision(number)
        after = key
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        guard text.utf8.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        var rest = text[...]
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
