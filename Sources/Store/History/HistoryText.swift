internal import StoreCore

/// A history as text, one line an operation, to be read by people and by ``History/init(text:)``:
///
///     client 1 100..130 transact if mod k1 = 4 then put k1 v17 => at 5 yes put
///     client 2 110..? transact then delete k..l => unknown
///     client 3 140..150 range k1 at 4 serializable => found 1 k1=v3@2,4,2 at 5
///     client 4 90..? watch k..l from 5 => watched on 131 events put k1=v17@2,5,3 on 200 progress 9
///
/// Bytes other than letters, digits, `_`, `-` and `/` are written as `%` and two hexadecimal
/// digits; no bytes at all are `%`. An entry is `key=value@create,mod,version`, and its lease
/// if it has one. A range is `key`, `from..to` or `from..`.
///
/// A history of some keys of a store begins with a line such as `scope 57 k..l` or
/// `scope 57 k..l versionless`.
package enum HistoryText {
    package static func line(_ operation: ClientOperation, number: Int) -> String {
        "#\(number) " + line(operation)
    }

    package static func line(_ operation: ClientOperation) -> String {
        let completed = operation.completed.map { "\($0)" } ?? "?"
        return "client \(operation.client) \(operation.invoked)..\(completed) "
            + text(operation.call) + " => " + text(operation.reply)
    }

    package static func line(_ scope: HistoryScope) -> String {
        "scope \(scope.start)" + (scope.keys.map { " " + text($0) } ?? "")
            + (scope.tellsVersions ? "" : " versionless")
    }

    package static func text(_ call: Call) -> String {
        switch call {
        case .transact(let transaction): text(transaction)
        case .range(let query, let isSerializable):
            text(query) + (isSerializable ? " serializable" : "")
        case .compact(let revision): "compact \(revision)"
        case .watch(let call):
            "watch " + text(call.range) + (call.from.map { " from \($0)" } ?? "")
                + (call.wantsPrevious ? " previous" : "")
        }
    }

    private static func text(_ transaction: Transaction) -> String {
        var text = "transact"
        for compare in transaction.compares { text += " if " + self.text(compare) }
        for operation in transaction.success { text += " then " + self.text(operation) }
        for operation in transaction.failure { text += " else " + self.text(operation) }
        return text
    }

    private static func text(_ compare: Compare) -> String {
        let (name, given) =
            switch compare.subject {
            case .createRevision(let revision): ("create", "\(revision)")
            case .modRevision(let revision): ("mod", "\(revision)")
            case .version(let version): ("version", "\(version)")
            case .lease(let lease): ("lease", "\(lease)")
            case .value(let value): ("value", text(bytes: value))
            }
        return "\(name) \(text(compare.range)) \(compare.relation.sign) \(given)"
    }

    private static func text(_ operation: Operation) -> String {
        switch operation {
        case .put(let key, let value, let lease, let previous):
            "put \(text(bytes: key)) \(text(bytes: value))"
                + (lease == .none ? "" : " lease \(lease)") + (previous ? " previous" : "")
        case .delete(let range, let previous):
            "delete \(text(range))" + (previous ? " previous" : "")
        case .range(let query): text(query)
        }
    }

    private static func text(_ query: RangeQuery) -> String {
        var text = "range " + self.text(query.range)
        if let revision = query.revision { text += " at \(revision)" }
        if let limit = query.limit { text += " limit \(limit)" }
        if query.countOnly { text += " count" }
        if query.order != .key { text += " order \(query.order.word)" }
        if query.descending { text += " descending" }
        return text
    }

    package static func text(_ reply: Reply) -> String {
        switch reply {
        case .unknown: "unknown"
        case .refused(let refusal): "refused " + text(refusal)
        case .transacted(let reply):
            (["at \(reply.revision) \(reply.succeeded ? "yes" : "no")"]
                + reply.outcomes.map { text($0) }).joined(separator: " ")
        case .done: "done"
        case .failed: "failed"
        case .found(let found, let revision): text(found) + " at \(revision)"
        case .seen(let entry): "seen " + (entry.map { text($0) } ?? "nothing")
        case .compacted: "compacted"
        case .watched(let record):
            (["watched"] + record.deliveries.map { "on \($0.at) " + text($0.content) })
                .joined(separator: " ")
        }
    }

    private static func text(_ refusal: Refusal) -> String {
        switch refusal {
        case .compacted(let oldest): "compacted \(oldest)"
        case .future: "future"
        case .other(let reason): "other " + text(bytes: Array(reason.utf8))
        }
    }

    private static func text(_ outcome: Outcome) -> String {
        switch outcome {
        case .put(let previous): "put" + (previous.map { " " + text($0) } ?? "")
        case .deleted(let count, let previous):
            (["deleted \(count)"] + previous.map { text($0) }).joined(separator: " ")
        case .found(let found): text(found)
        }
    }

    private static func text(_ found: Found) -> String {
        (["found \(found.count)"] + found.entries.map { text($0) }).joined(separator: " ")
    }

    private static func text(_ content: WatchRecord.Content) -> String {
        switch content {
        case .created(let revision): "created \(revision)"
        case .events(let events): "events " + text(events)
        case .progress(let revision): "progress \(revision)"
        case .ended(let refusal): "ended " + text(refusal)
        }
    }

    static func text(_ events: [WatchEvent]) -> String {
        events.map { event in
            let was = event.previous.map { " was " + text($0) } ?? ""
            switch event.kind {
            case .put(let entry): return "put " + text(entry) + was
            case .delete(let key, let revision):
                return "delete \(text(bytes: key))@\(revision)" + was
            }
        }.joined(separator: " ")
    }

    private static func text(_ entry: Entry) -> String {
        text(bytes: entry.key) + "=" + text(bytes: entry.value)
            + "@\(entry.createRevision),\(entry.modRevision),\(entry.version)"
            + (entry.lease == .none ? "" : ",\(entry.lease)")
    }

    private static func text(_ range: KeyRange) -> String {
        if let key = range.onlyKey { return text(bytes: key) }
        return text(bytes: range.start) + ".." + (range.end.map { text(bytes: $0) } ?? "")
    }

    package static func text(bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "%" }
        var text = ""
        for byte in bytes {
            if isPlain(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 16 ? "%0" : "%"
                text += String(byte, radix: 16)
            }
        }
        return text
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "/"):
            true
        default: false
        }
    }
}

extension Compare.Relation {
    var sign: String {
        switch self {
        case .equal: "="
        case .notEqual: "!="
        case .greater: ">"
        case .less: "<"
        }
    }
}

extension RangeQuery.Order {
    var word: String {
        switch self {
        case .key: "key"
        case .version: "version"
        case .createRevision: "create"
        case .modRevision: "mod"
        case .value: "value"
        }
    }
}

extension History {
    /// The history as ``HistoryText`` writes it.
    package var text: String {
        (scope == .whole ? "" : HistoryText.line(scope) + "\n")
            + operations.map { HistoryText.line($0) + "\n" }.joined()
    }
}
