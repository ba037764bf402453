internal import StoreCore

/// A line that is no operation.
package struct HistoryTextError: Error, Hashable, Sendable {
    /// Counted from 1.
    package var line: Int
    /// The word at which reading stopped; nil at the end of the line.
    package var word: String?
    package var expected: String
}

extension History {
    /// Reads what ``text`` writes. Empty lines and lines that begin with `//` mean nothing, nor
    /// does a number `#7` before an operation.
    package init(text: String) throws(HistoryTextError) {
        var operations: [ClientOperation] = []
        var scope = HistoryScope.whole
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (place, line) in lines.enumerated() {
            var words = WordReader(line: place + 1, line)
            guard let first = words.next, !first.hasPrefix("//") else { continue }
            if first == "scope", operations.isEmpty {
                scope = try words.scope()
                continue
            }
            if first.hasPrefix("#") { _ = try words.word("an operation") }
            operations.append(try words.operation())
        }
        self.init(operations, scope: scope)
    }
}

extension Call {
    /// Reads what ``HistoryText/text(_:)-(Call)`` writes.
    package init(text: String) throws(HistoryTextError) {
        var words = WordReader(line: 1, text[...])
        self = try words.call()
    }
}

/// Reads an operation word by word.
private struct WordReader {
    private let line: Int
    private var words: ArraySlice<Substring>

    init(line: Int, _ text: Substring) {
        self.line = line
        words = text.split(separator: " ")[...]
    }

    var next: Substring? { words.first }

    private func error(_ expected: String) -> HistoryTextError {
        HistoryTextError(line: line, word: words.first.map(String.init), expected: expected)
    }

    mutating func word(_ expected: String) throws(HistoryTextError) -> Substring {
        guard let word = words.popFirst() else { throw error(expected) }
        return word
    }

    /// Takes the next word if it is this one.
    private mutating func takes(_ word: String) -> Bool {
        guard words.first.map({ $0 == word }) == true else { return false }
        words.removeFirst()
        return true
    }

    private mutating func number<Value: FixedWidthInteger>(
        _ expected: String
    ) throws(HistoryTextError) -> Value {
        guard let word = words.first, let value = Value(word) else { throw error(expected) }
        words.removeFirst()
        return value
    }

    private mutating func revision() throws(HistoryTextError) -> Revision {
        Revision(try number("a revision"))
    }

    mutating func scope() throws(HistoryTextError) -> HistoryScope {
        guard takes("scope") else { throw error("scope") }
        var scope = HistoryScope(start: try revision())
        if let word = words.first, word != "versionless" { scope.keys = try range() }
        scope.tellsVersions = !takes("versionless")
        guard words.isEmpty else { throw error("the end of the line") }
        return scope
    }

    // MARK: Operations

    mutating func operation() throws(HistoryTextError) -> ClientOperation {
        guard takes("client") else { throw error("client") }
        let client: Int = try number("the client's number")
        let (invoked, completed) = try times()
        let call = try call()
        guard takes("=>") else { throw error("=>") }
        let reply = try reply()
        guard words.isEmpty else { throw error("the end of the line") }
        return ClientOperation(
            client: client, call, invoked: invoked, completed: completed, reply: reply)
    }

    private mutating func times() throws(HistoryTextError) -> (Moment, Moment?) {
        let failure = error("two times such as 10..20 or 10..?")
        let parts = try word("times").split(separator: ".")
        guard parts.count == 2, let invoked = Int64(parts[0]) else { throw failure }
        if parts[1] == "?" { return (Moment(invoked), nil) }
        guard let completed = Int64(parts[1]) else { throw failure }
        return (Moment(invoked), Moment(completed))
    }

    mutating func call() throws(HistoryTextError) -> Call {
        if takes("transact") { return .transact(try transaction()) }
        if takes("range") {
            let query = try query()
            return .range(query, isSerializable: takes("serializable"))
        }
        if takes("compact") { return .compact(try revision()) }
        if takes("watch") {
            let range = try range()
            let from: Revision? = takes("from") ? try revision() : nil
            return .watch(WatchCall(range, from: from, wantsPrevious: takes("previous")))
        }
        throw error("a call")
    }

    private mutating func transaction() throws(HistoryTextError) -> Transaction {
        var transaction = Transaction(then: [])
        while true {
            if takes("if") {
                transaction.compares.append(try compare())
            } else if takes("then") {
                transaction.success.append(try step())
            } else if takes("else") {
                transaction.failure.append(try step())
            } else {
                return transaction
            }
        }
    }

    private mutating func compare() throws(HistoryTextError) -> Compare {
        let name = try word("what to compare")
        let range = try range()
        let sign = try word("=, !=, > or <")
        let relations: [Compare.Relation] = [.equal, .notEqual, .greater, .less]
        guard let relation = relations.first(where: { $0.sign == sign }) else {
            throw error("=, !=, > or < before this")
        }
        let subject: Compare.Subject
        switch name {
        case "create": subject = .createRevision(try revision())
        case "mod": subject = .modRevision(try revision())
        case "version": subject = .version(try number("a version"))
        case "lease": subject = .lease(LeaseID(try number("a lease")))
        case "value": subject = .value(try bytes())
        default: throw error("create, mod, version, lease or value before this")
        }
        return Compare(range, relation, subject)
    }

    private mutating func step() throws(HistoryTextError) -> Operation {
        if takes("put") {
            let (key, value) = (try bytes(), try bytes())
            let lease = takes("lease") ? LeaseID(try number("a lease")) : LeaseID.none
            return .put(key: key, value: value, lease: lease, previous: takes("previous"))
        }
        if takes("delete") {
            let range = try range()
            return .delete(range, previous: takes("previous"))
        }
        guard takes("range") else { throw error("put, delete or range") }
        return .range(try query())
    }

    private mutating func query() throws(HistoryTextError) -> RangeQuery {
        var query = RangeQuery(try range())
        if takes("at") { query.revision = try revision() }
        if takes("limit") { query.limit = try number("a limit") }
        query.countOnly = takes("count")
        if takes("order") {
            let word = try word("an order")
            let orders: [RangeQuery.Order] = [
                .key, .version, .createRevision, .modRevision, .value,
            ]
            guard let order = orders.first(where: { $0.word == word }) else {
                throw error("an order before this")
            }
            query.order = order
        }
        query.descending = takes("descending")
        return query
    }

    // MARK: Replies

    private mutating func reply() throws(HistoryTextError) -> Reply {
        if takes("unknown") { return .unknown }
        if takes("refused") { return .refused(try refusal()) }
        if takes("compacted") { return .compacted }
        if takes("done") { return .done }
        if takes("failed") { return .failed }
        if takes("seen") { return .seen(takes("nothing") ? nil : try entry()) }
        if takes("found") {
            let found = try found()
            guard takes("at") else { throw error("at") }
            return .found(found, revision: try revision())
        }
        if takes("at") {
            let revision = try revision()
            let succeeded = takes("yes")
            guard succeeded || takes("no") else { throw error("yes or no") }
            var outcomes: [Outcome] = []
            while !words.isEmpty { outcomes.append(try outcome()) }
            return .transacted(
                TransactionReply(revision: revision, succeeded: succeeded, outcomes: outcomes))
        }
        guard takes("watched") else { throw error("a reply") }
        var record = WatchRecord()
        while takes("on") { record.deliveries.append(try delivery()) }
        return .watched(record)
    }

    private mutating func refusal() throws(HistoryTextError) -> Refusal {
        if takes("compacted") { return .compacted(oldest: try revision()) }
        if takes("future") { return .future }
        guard takes("other") else { throw error("compacted, future or other") }
        return .other(String(decoding: try bytes(), as: UTF8.self))
    }

    private mutating func outcome() throws(HistoryTextError) -> Outcome {
        if takes("put") { return .put(previous: isAtEntry ? try entry() : nil) }
        if takes("deleted") {
            let count: Int = try number("a count")
            return .deleted(count: count, previous: try entries())
        }
        guard takes("found") else { throw error("put, deleted or found") }
        return .found(try found())
    }

    private mutating func found() throws(HistoryTextError) -> Found {
        let count: Int = try number("a count")
        return Found(try entries(), count: count)
    }

    private mutating func delivery() throws(HistoryTextError) -> WatchRecord.Delivery {
        let moment = Moment(try number("a time"))
        if takes("created") { return .init(at: moment, .created(try revision())) }
        if takes("progress") { return .init(at: moment, .progress(try revision())) }
        if takes("ended") { return .init(at: moment, .ended(try refusal())) }
        guard takes("events") else { throw error("created, events, progress or ended") }
        var events: [WatchEvent] = []
        while true {
            if takes("put") {
                events.append(WatchEvent(.put(try entry())))
            } else if takes("delete") {
                events.append(WatchEvent(try deletion()))
            } else {
                return .init(at: moment, .events(events))
            }
            if takes("was") { events[events.count - 1].previous = try entry() }
        }
    }

    // MARK: Words with parts

    private var isAtEntry: Bool { words.first?.contains("@") == true }

    private mutating func entries() throws(HistoryTextError) -> [Entry] {
        var entries: [Entry] = []
        while isAtEntry { entries.append(try entry()) }
        return entries
    }

    private mutating func entry() throws(HistoryTextError) -> Entry {
        let failure = error("an entry such as key=value@create,mod,version")
        let sides = try word("an entry").split(separator: "@")
        guard sides.count == 2 else { throw failure }
        let names = sides[0].split(separator: "=")
        let numbers = sides[1].split(separator: ",").compactMap { Int64($0) }
        guard names.count == 2, numbers.count == 3 || numbers.count == 4 else { throw failure }
        return Entry(
            key: try bytes(names[0]), value: try bytes(names[1]),
            createRevision: Revision(numbers[0]), modRevision: Revision(numbers[1]),
            version: numbers[2], lease: numbers.count == 4 ? LeaseID(numbers[3]) : .none)
    }

    private mutating func deletion() throws(HistoryTextError) -> WatchEvent.Kind {
        let failure = error("a deletion such as key@revision")
        let sides = try word("a deletion").split(separator: "@")
        guard sides.count == 2, let number = Int64(sides[1]) else { throw failure }
        return .delete(key: try bytes(sides[0]), at: Revision(number))
    }

    private mutating func range() throws(HistoryTextError) -> KeyRange {
        let word = try word("a range of keys")
        guard let dots = word.indices.first(where: { word[$0...].hasPrefix("..") }) else {
            return .key(try bytes(word))
        }
        let end = word[word.index(dots, offsetBy: 2)...]
        return KeyRange(
            from: try bytes(word[..<dots]), to: end.isEmpty ? nil : try bytes(end))
    }

    private mutating func bytes() throws(HistoryTextError) -> [UInt8] {
        try bytes(try word("bytes"))
    }

    private func bytes(_ word: Substring) throws(HistoryTextError) -> [UInt8] {
        if word == "%" { return [] }
        var bytes: [UInt8] = []
        var rest = word.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { throw error("two hexadecimal digits after % in \(word)") }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
