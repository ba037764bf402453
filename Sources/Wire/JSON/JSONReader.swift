/// Reads JSON into a tree, by the schema and as strictly as kube-apiserver.
///
/// Names are told apart by case, and `null` is absent. Unknown and repeated fields do no harm: they
/// are collected as ``issues``, in order and in Kubernetes' words, for the caller to refuse, to warn
/// of, or to ignore; of repeated fields the last wins, and messages and maps are merged.
struct JSONReader {
    /// Where in the object the reader is.
    private enum Step {
        case field(Field)
        case index(Int)
        /// The range of a key, with quotes.
        case key(Range<Int>)
    }

    private var syntax: JSONSyntax
    private(set) var issues: [String] = []
    private var steps: [Step] = []
    /// The innermost message, inlined ones left out.
    private var around: MessageType

    /// Reads one object.
    ///
    /// - Throws: ``JSONError``; a syntax error anywhere comes before a mismatch.
    static func read(_ bytes: RawSpan, as type: MessageType) throws(JSONError) -> (Message, [String]) {
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
        -> (Message, [String])
    {
        var reader = JSONReader(syntax: JSONSyntax(cursor), around: type)
        let kind = try reader.syntax.kind()
        guard kind == .object else {
            throw reader.mismatch(kind, "\(type.goName)")
        }
        var message = Message(type)
        try reader.object(into: &message)
        try reader.syntax.end()
        return (message, reader.issues)
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
            let entry = names.entries[index]
            if !seen.insert(index) { note("duplicate field", .key(key)) }
            if let field = entry.field {
                try member(field, key, via: entry.via, into: &message)
            } else {
                try typeMeta(key)
            }
        } while try syntax.nextMember()
        around = outer
    }

    private func find(_ key: Range<Int>, _ names: JSONNames) -> Int? {
        let inner = key.lowerBound + 1..<key.upperBound - 1
        if let index = names.find(syntax.cursor, inner) { return index }
        guard inner.contains(where: { syntax.cursor[$0] == UInt8(ascii: "\\") }) else { return nil }
        var text = syntax.text(key)
        return text.withCursor { names.find($0, 0..<$0.end) }
    }

    private mutating func member(
        _ field: Field, _ key: Range<Int>, via: Field?, into message: inout Message
    ) throws(JSONError) {
        guard let via, let type = via.type else {
            steps.append(.field(field))
            try value(of: field, into: &message)
            steps.removeLast()
            return
        }
        var inner = Message(type)
        if case .message(let there)? = message[via.number] { inner = there }
        message[via.number] = nil
        let names = type.jsonNames
        guard let index = find(key, names) else { preconditionFailure("inlined names are its own") }
        try member(field, key, via: names.entries[index].via, into: &inner)
        message[via.number] = .message(inner)
    }

    /// apiVersion or kind, which the caller has read already.
    private mutating func typeMeta(_ key: Range<Int>) throws(JSONError) {
        let kind = try syntax.kind()
        guard kind == .string || kind == .null else {
            let place = "Go struct field \(around.kind).\(syntax.text(key)) of type string"
            throw .mismatch("json: cannot unmarshal \(kind.goWord) into \(place)",
                offset: syntax.cursor.position)
        }
        try syntax.skipValue()
    }

    private mutating func value(of field: Field, into message: inout Message) throws(JSONError) {
        let kind = try syntax.kind()
        if kind == .null {
            try syntax.literal("null")
            message[field.number] = nil
        } else if field.isList {
            guard kind == .array else { throw mismatch(kind, "[]\(field.goElement)") }
            message[field.number] = .list(try list(of: field))
        } else if field.isMap {
            guard kind == .object else { throw mismatch(kind, field.goMap) }
            var map = ValueMap()
            if case .map(let there)? = message[field.number] { map = there }
            message[field.number] = nil
            try entries(of: field, into: &map)
            message[field.number] = .map(map)
        } else if field.kind == .message, let type = field.type {
            var inner = Message(type)
            if case .message(let there)? = message[field.number] { inner = there }
            message[field.number] = nil
            try self.message(kind, into: &inner)
            message[field.number] = .message(inner)
        } else {
            let value = try scalar(field, kind)
            message[field.number] = value == .null ? nil : value
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
        let before = map
        repeat {
            let key = try syntax.key()
            let name = syntax.text(key)
            if map[name] != nil, before[name] == nil { note("duplicate field", .key(key)) }
            steps.append(.key(key))
            map[name] = try element(field)
            steps.removeLast()
        } while try syntax.nextMember()
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
    private mutating func scalar(_ field: Field, _ kind: JSONSyntax.Kind) throws(JSONError) -> Value {
        switch (field.kind, kind) {
        case (.string, .string): return .string(try string())
        case (.bool, .bool): return .bool(try syntax.bool())
        case (.int32, .number): return .int(try int(Int64(Int32.min)...Int64(Int32.max), "int32"))
        case (.int64, .number): return .int(try int(Int64.min...Int64.max, "int64"))
        case (.double, .number): return .double(try double())
        case (.bytes, .string): return .bytes(try base64())
        case (.items, .array): return .list(try items(field))
        case (.string, _), (.bool, _), (.int32, _), (.int64, _), (.double, _), (.bytes, _), (.items, _):
            throw mismatch(kind, field.goElement)
        default: return try special(field, kind)
        }
    }

    private mutating func special(_ field: Field, _ kind: JSONSyntax.Kind) throws(JSONError) -> Value {
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
        let issue = "\(what) \"\(path(last))\""
        guard issues.count < Bounds.issuesMax, !issues.contains(issue) else { return }
        issues.append(issue)
    }

    private func path(_ last: Step) -> String {
        var path = ""
        for step in steps + [last] {
            switch step {
            case .index(let index): path += "[\(index)]"
            case .field(let field): path += path.isEmpty ? field.name : ".\(field.name)"
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
        for case .field(let field) in steps { names.append(field.name) }
        guard !names.isEmpty else { return plainMismatch(word, type) }
        let place = "\(around.kind).\(names.joined(separator: "."))"
        return .mismatch("json: cannot unmarshal \(word) into Go struct field \(place) of type \(type)",
            offset: syntax.cursor.position)
    }

    private func plainMismatch(_ kind: JSONSyntax.Kind, _ type: String) -> JSONError {
        plainMismatch(kind.goWord, type)
    }

    private func plainMismatch(_ word: String, _ type: String) -> JSONError {
        .mismatch("json: cannot unmarshal \(word) into Go value of type \(type)",
            offset: syntax.cursor.position)
    }
}
