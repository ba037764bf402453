/// Reads JSON into a tree, by the schema and as strictly as kube-apiserver.
///
/// Names are told apart by case, and `null` is absent. Unknown and repeated fields do no harm: they
/// are collected as ``issues``, in order and in Kubernetes' words, for the caller to refuse, to
/// warn of, or to ignore; of repeated fields the last wins, and messages and maps are merged.
struct JSONReader {
    /// Where in the object the reader is.
    private enum Step {
        case field(FixedBytes)
        case index(Int)
        /// The range of a key, with quotes.
        case key(Range<Int>)
    }

    /// What was read, and what it says of itself at the top; empty if it does not.
    struct Result {
        var message: Message
        var issues: [String]
        var apiVersion: String
        var kind: String
    }

    private var syntax: JSONSyntax
    private var apiVersion = ""
    private var kind = ""
    private(set) var issues: [String] = []
    private var notesLeft = 10 * Bounds.issuesMax
    private var returnsLeft = Bounds.returnsMax
    private var steps: [Step] = []
    /// The innermost message, inlined ones left out.
    private var around: MessageType

    /// Reads one object.
    ///
    /// - Throws: ``JSONError``; a syntax error anywhere comes before a mismatch.
    static func read(_ bytes: RawSpan, as type: MessageType) throws(JSONError) -> Result {
        guard bytes.byteCount <= Bounds.objectBytesMax else { throw .tooBig }
        return try bytes.withCursor { (cursor) throws(JSONError) in
            do throws(JSONError) {
                return try read(cursor, as: type)
            } catch {
                try JSONSyntax.check(cursor)
                throw error
            }
        }
    }

    private static func read(_ cursor: ByteCursor, as type: MessageType) throws(JSONError)
        -> Result
    {
        var reader = JSONReader(syntax: JSONSyntax(cursor), around: type)
        let kind = try reader.syntax.kind()
        guard kind == .object else { throw reader.mismatch(kind, type.goName) }
        var message = Message(type)
        try reader.object(into: &message)
        try reader.syntax.end()
        return Result(
            message: message, issues: reader.issues, apiVersion: reader.apiVersion,
            kind: reader.kind)
    }

    private init(syntax: JSONSyntax, around: MessageType) {
        self.syntax = syntax
        self.around = around
    }

    private mutating func object(into message: inout Message) throws(JSONError) {
        guard try syntax.enterObject() else { return }
        let outer = around
        around = message.type
        let names = around.jsonNames
        var seen = NameSet()
        repeat {
            let key = try syntax.key()
            guard let index = find(key, names) else {
                note("unknown field", .key(key))
                try syntax.skipValue()
                continue
            }
            if !seen.insert(index) { try repeats(key) }
            try member(names.entries[index], key, into: &message)
        } while try syntax.nextMember()
        around = outer
    }

    /// Notes that a field is there again. What it holds is added to, which may cost as much as what
    /// is there, so this may happen only so often.
    private mutating func repeats(_ key: Range<Int>) throws(JSONError) {
        guard returnsLeft > 0 else {
            throw .mismatch("too many repeated fields", offset: key.lowerBound)
        }
        returnsLeft -= 1
        note("duplicate field", .key(key))
    }

    private func find(_ key: Range<Int>, _ names: JSONNames) -> Int? {
        let inner = key.lowerBound + 1..<key.upperBound - 1
        if let index = names.find(syntax.cursor, inner) { return index }
        guard inner.contains(where: { syntax.cursor[$0] == UInt8(ascii: "\\") }) else { return nil }
        var text = syntax.text(key)
        return text.withCursor { names.find($0, 0..<$0.end) }
    }

    private mutating func member(
        _ entry: JSONNames.Entry, _ key: Range<Int>, into message: inout Message
    ) throws(JSONError) {
        if entry.via != 0 { return try inlined(entry, key, into: &message) }
        guard let field = message.type.field(entry.number) else { return try typeMeta(key) }
        steps.append(.field(field.nameBytes))
        try value(of: field, into: &message)
        steps.removeLast()
    }

    /// A member that stands here and belongs to a message within this one.
    private mutating func inlined(
        _ entry: JSONNames.Entry, _ key: Range<Int>, into message: inout Message
    ) throws(JSONError) {
        guard let via = message.type.field(entry.via), let type = via.type,
            let index = find(key, type.jsonNames)
        else { preconditionFailure("the schema's names have what is inlined") }
        var inner = Message(type)
        if case .message(let there)? = message.take(via.number) { inner = there }
        try member(type.jsonNames.entries[index], key, into: &inner)
        message.set(via, .message(inner))
    }

    /// apiVersion or kind, which the caller has read already.
    private mutating func typeMeta(_ key: Range<Int>) throws(JSONError) {
        let kind = try syntax.kind()
        guard kind == .string || kind == .null else {
            let place = "Go struct field \(around.kind).\(syntax.text(key)) of type string"
            throw .mismatch("json: cannot unmarshal \(kind.goWord) into \(place)",
                offset: syntax.cursor.position)
        }
        let start = syntax.cursor.position
        try syntax.skipValue()
        guard steps.isEmpty, kind == .string else { return }
        let text = syntax.text(start..<syntax.cursor.position)
        if syntax.text(key) == "kind" { self.kind = text } else { apiVersion = text }
    }

    private mutating func value(of field: Field, into message: inout Message) throws(JSONError) {
        let kind = try syntax.kind()
        if kind == .null {
            try syntax.literal("null")
            _ = message.take(field.number)
        } else if field.isList {
            guard kind == .array else { throw mismatch(kind, "[]\(field.goElement)") }
            message.set(field, .list(try list(of: field)))
        } else if field.isMap {
            guard kind == .object else { throw mismatch(kind, field.goMap) }
            var map = ValueMap()
            if case .map(let there)? = message.take(field.number) { map = there }
            try entries(of: field, into: &map)
            message.set(field, .map(map))
        } else if field.kind == .message, let type = field.type {
            var inner = Message(type)
            if case .message(let there)? = message.take(field.number) { inner = there }
            try self.message(kind, into: &inner)
            message.set(field, .message(inner))
        } else {
            let value = try scalar(field, kind)
            if case .null = value {
                _ = message.take(field.number)
            } else {
                message.set(field, value)
            }
        }
    }

    private mutating func list(of field: Field) throws(JSONError) -> [Value] {
        var list: [Value] = []
        guard try syntax.enterArray() else { return list }
        steps.append(.index(0))
        repeat {
            steps[steps.count - 1] = .index(list.count)
            list.append(try element(field))
        } while try syntax.nextElement()
        steps.removeLast()
        return list
    }

    private mutating func entries(of field: Field, into map: inout ValueMap) throws(JSONError) {
        guard try syntax.enterObject() else { return }
        var keys: [Range<Int>] = []
        var entries: [ValueMap.Entry] = []
        repeat {
            let key = try syntax.key()
            steps.append(.key(key))
            entries.append(ValueMap.Entry(key: syntax.text(key), value: try element(field)))
            steps.removeLast()
            keys.append(key)
        } while try syntax.nextMember()
        for index in map.add(entries) { note("duplicate field", .key(keys[index])) }
    }

    private mutating func element(_ field: Field) throws(JSONError) -> Value {
        let kind = try syntax.kind()
        if kind == .null {
            try syntax.literal("null")
            return field.zero
        }
        guard field.kind == .message, let type = field.type else { return try scalar(field, kind) }
        var message = Message(type)
        try self.message(kind, into: &message)
        return .message(message)
    }
}

/// Messages in their several forms.
extension JSONReader {
    private mutating func message(_ kind: JSONSyntax.Kind, into message: inout Message)
        throws(JSONError)
    {
        switch (message.type.form, kind) {
        case (.oneOrMany, .object): try one(1, into: &message)
        case (.oneOrMany, .array): try many(2, into: &message)
        case (.oneOrBool, .bool): message[1] = .bool(try syntax.bool())
        case (.oneOrBool, .object):
            message[1] = .bool(true)
            try one(2, into: &message)
        case (.oneOrStrings, .object): try one(1, into: &message)
        case (.oneOrStrings, .array): try many(2, into: &message)
        case (.fields, .object): try object(into: &message)
        default: throw mismatch(kind, message.type.goName)
        }
    }

    private mutating func one(_ number: Int, into message: inout Message) throws(JSONError) {
        guard let type = message.type.field(number)?.type else { return }
        var inner = Message(type)
        try object(into: &inner)
        message[number] = .message(inner)
    }

    private mutating func many(_ number: Int, into message: inout Message) throws(JSONError) {
        guard let field = message.type.field(number) else { return }
        message[number] = .list(try list(of: field))
    }
}

/// Values without fields.
extension JSONReader {
    private mutating func scalar(_ field: Field, _ kind: JSONSyntax.Kind) throws(JSONError)
        -> Value
    {
        switch (field.kind, kind) {
        case (.string, .string): return .string(try string())
        case (.bool, .bool): return .bool(try syntax.bool())
        case (.int32, .number): return .int(try int(Int64(Int32.min)...Int64(Int32.max), "int32"))
        case (.int64, .number): return .int(try int(Int64.min...Int64.max, "int64"))
        case (.double, .number): return .double(try double())
        case (.bytes, .string): return .bytes(try base64())
        case (.items, .array): return .list(try items(field))
        case (.string, _), (.bool, _), (.int32, _), (.int64, _), (.double, _), (.bytes, _),
            (.items, _):
            throw mismatch(kind, field.goElement)
        default: return try special(field, kind)
        }
    }

    private mutating func special(_ field: Field, _ kind: JSONSyntax.Kind) throws(JSONError)
        -> Value
    {
        let start = syntax.cursor.position
        switch (field.kind, kind) {
        case (.raw, _):
            try syntax.skipValue()
            return .bytes(syntax.cursor.compacted(start..<syntax.cursor.position))
        case (.intOrString, .string): return .string(try string())
        case (.intOrString, .number):
            return .int(try int(Int64(Int32.min)...Int64(Int32.max), "int32", inField: false))
        case (.intOrString, _): throw plainMismatch(kind, "int32")
        case (.quantity, _):
            try syntax.skipValue()
            return .string(try quantity(start..<syntax.cursor.position))
        case (_, .string): return try timeOrDuration(field, try string(), start)
        default: throw plainMismatch(kind, "string")
        }
    }

    private mutating func string() throws(JSONError) -> String { syntax.text(try syntax.string()) }

    private mutating func items(_ field: Field) throws(JSONError) -> [Value] {
        var list: [Value] = []
        guard try syntax.enterArray() else { return list }
        repeat {
            let kind = try syntax.kind()
            switch kind {
            case .string: list.append(.string(try string()))
            case .null:
                try syntax.literal("null")
                list.append(.string(""))
            default: throw mismatch(kind, "string")
            }
        } while try syntax.nextElement()
        return list
    }

    private mutating func int(_ range: ClosedRange<Int64>, _ type: String, inField: Bool = true)
        throws(JSONError) -> Int64
    {
        let place = try syntax.number()
        if let int = syntax.cursor.int(place), range.contains(int) { return int }
        let word = "number \(syntax.cursor.repairedString(place))"
        throw inField ? mismatch(word, type) : plainMismatch(word, type)
    }

    private mutating func double() throws(JSONError) -> Double {
        let place = try syntax.number()
        let text = syntax.cursor.repairedString(place)
        guard let double = Double(text), double.isFinite else {
            throw mismatch("number \(text)", "float64")
        }
        return double
    }

    private mutating func base64() throws(JSONError) -> [UInt8] {
        let start = syntax.cursor.position
        let text = try string()
        switch Base64.decode(text.utf8) {
        case .success(let bytes): return bytes
        case .failure(let corrupt):
            throw .mismatch("illegal base64 data at input byte \(corrupt.offset)", offset: start)
        }
    }

    /// A quantity is read from what stands there, be it a string or a number.
    private func quantity(_ place: Range<Int>) throws(JSONError) -> String {
        var inner = place
        if syntax.cursor[place.lowerBound] == UInt8(ascii: "\"") {
            inner = place.lowerBound + 1..<place.upperBound - 1
        }
        do {
            return try unsafe Quantity(utf8: syntax.cursor.buffer(inner)).text
        } catch {
            throw .mismatch(error.description, offset: place.lowerBound)
        }
    }

    private func timeOrDuration(_ field: Field, _ text: String, _ offset: Int) throws(JSONError)
        -> Value
    {
        do {
            switch field.kind {
            case .duration: return .string(try GoDuration(parsing: text).text)
            case .microTime: return time(try Timestamp(parsingMicro: text).wholeMicroseconds)
            default: return time(try Timestamp(parsing: text).wholeSeconds)
            }
        } catch let error as TimestampError {
            throw .mismatch(error.description, offset: offset)
        } catch {
            throw .mismatch("\(error)", offset: offset)
        }
    }

    /// Go's empty time is no time.
    private func time(_ time: Timestamp) -> Value { time == .goZero ? .null : .timestamp(time) }
}

/// What is said of the wrong.
extension JSONReader {
    private mutating func note(_ what: String, _ last: Step) {
        guard issues.count < Bounds.issuesMax, notesLeft > 0 else { return }
        notesLeft -= 1
        let issue = "\(what) \"\(path(last))\""
        guard !issues.contains(issue) else { return }
        issues.append(issue)
    }

    private func path(_ last: Step) -> String {
        var path = ""
        for step in steps + [last] {
            switch step {
            case .index(let index): path += "[\(index)]"
            case .field(let name): path += path.isEmpty ? name.text : ".\(name.text)"
            case .key(let key): path += path.isEmpty ? syntax.text(key) : ".\(syntax.text(key))"
            }
        }
        return path
    }

    private func mismatch(_ kind: JSONSyntax.Kind, _ type: String) -> JSONError {
        mismatch(kind.goWord, type)
    }

    private func mismatch(_ word: String, _ type: String) -> JSONError {
        var names: [String] = []
        for case .field(let name) in steps { names.append(name.text) }
        guard !names.isEmpty else { return plainMismatch(word, type) }
        let place = "\(around.kind).\(names.joined(separator: "."))"
        let what = "json: cannot unmarshal \(word) into Go struct field \(place)"
        return .mismatch("\(what) of type \(type)", offset: syntax.cursor.position)
    }

    private func plainMismatch(_ kind: JSONSyntax.Kind, _ type: String) -> JSONError {
        plainMismatch(kind.goWord, type)
    }

    private func plainMismatch(_ word: String, _ type: String) -> JSONError {
        .mismatch("json: cannot unmarshal \(word) into Go value of type \(type)",
            offset: syntax.cursor.position)
    }
}
