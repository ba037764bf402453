/// JSON's grammar: moves over values, and words what is wrong with them as Go does.
struct JSONSyntax {
    var cursor: ByteCursor
    private(set) var depth = 0
    private let depthMax: Int

    init(_ cursor: ByteCursor, depthMax: Int = Bounds.depthMax) {
        self.cursor = cursor
        self.depthMax = depthMax
    }

    /// Checks that the bytes are one JSON value and white space.
    static func check(_ cursor: ByteCursor) throws(JSONError) {
        var syntax = JSONSyntax(cursor)
        try syntax.skipValue()
        try syntax.end()
    }

    /// Whether bytes may stand as raw JSON: they are JSON, or a protobuf envelope.
    static func isRaw(_ cursor: ByteCursor) -> Bool {
        if cursor.isAtEnd || Envelope.isMagic(cursor) { return true }
        do {
            try check(cursor)
            return true
        } catch {
            return false
        }
    }

    /// What a value begins with, after white space.
    enum Kind { case object, array, string, number, bool, null }

    mutating func kind() throws(JSONError) -> Kind {
        skipSpace()
        guard let byte = cursor.next else { throw ended() }
        switch byte {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        default: throw unexpected("looking for beginning of value")
        }
    }

    @inline(__always)
    mutating func skipSpace() {
        while let byte = cursor.next, byte <= 0x20,
            byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
        { cursor.position += 1 }
    }

    /// Nothing but white space is left.
    mutating func end() throws(JSONError) {
        skipSpace()
        if !cursor.isAtEnd { throw unexpected("after top-level value") }
    }

    mutating func skipValue() throws(JSONError) {
        switch try kind() {
        case .object:
            try object { (syntax, _) throws(JSONError) in try syntax.skipValue() }
        case .array: try array { (syntax, _) throws(JSONError) in try syntax.skipValue() }
        case .string: _ = try string()
        case .number: _ = try number()
        case .bool: _ = try bool()
        case .null: try literal("null")
        }
    }

    /// Moves over an object; `member` moves over each value and gets its key's range, quotes and
    /// escapes included.
    mutating func object(
        _ member: (inout JSONSyntax, Range<Int>) throws(JSONError) -> Void
    ) throws(JSONError) {
        guard try enterObject() else { return }
        repeat {
            let key = try key()
            try member(&self, key)
        } while try nextMember()
    }

    mutating func array(
        _ element: (inout JSONSyntax, Int) throws(JSONError) -> Void
    ) throws(JSONError) {
        guard try enterArray() else { return }
        var index = 0
        repeat {
            try element(&self, index)
            index += 1
        } while try nextElement()
    }
}

/// Objects and lists step by step, for those who keep a state between the steps.
extension JSONSyntax {
    /// Moves past `{`. False if the object is empty, whose end is passed too.
    mutating func enterObject() throws(JSONError) -> Bool {
        try enter()
        skipSpace()
        guard cursor.next == UInt8(ascii: "}") else { return true }
        leave()
        return false
    }

    mutating func enterArray() throws(JSONError) -> Bool {
        try enter()
        skipSpace()
        guard cursor.next == UInt8(ascii: "]") else { return true }
        leave()
        return false
    }

    private mutating func enter() throws(JSONError) {
        guard depth < depthMax else { throw .tooDeep(offset: cursor.position) }
        depth += 1
        cursor.position += 1
    }

    private mutating func leave() {
        depth -= 1
        cursor.position += 1
    }

    /// Moves past a key and its colon.
    mutating func key() throws(JSONError) -> Range<Int> {
        skipSpace()
        guard let byte = cursor.next else { throw ended() }
        guard byte == UInt8(ascii: "\"") else {
            throw unexpected("looking for beginning of object key string")
        }
        let key = try string()
        skipSpace()
        guard let colon = cursor.next else { throw ended() }
        guard colon == UInt8(ascii: ":") else { throw unexpected("after object key") }
        cursor.position += 1
        return key
    }

    /// Moves past a comma, and says true, or past the end of the object.
    mutating func nextMember() throws(JSONError) -> Bool {
        skipSpace()
        switch cursor.next {
        case UInt8(ascii: ","):
            cursor.position += 1
            return true
        case UInt8(ascii: "}"):
            leave()
            return false
        case nil: throw ended()
        default: throw unexpected("after object key:value pair")
        }
    }

    mutating func nextElement() throws(JSONError) -> Bool {
        skipSpace()
        switch cursor.next {
        case UInt8(ascii: ","):
            cursor.position += 1
            return true
        case UInt8(ascii: "]"):
            leave()
            return false
        case nil: throw ended()
        default: throw unexpected("after array element")
        }
    }
}

/// Strings, numbers and literals.
extension JSONSyntax {
    /// Moves over a string and returns its range, with quotes.
    mutating func string() throws(JSONError) -> Range<Int> {
        let start = cursor.position
        cursor.position += 1
        while true {
            cursor.position = cursor.endOfText()
            guard let byte = cursor.next else { throw ended() }
            if byte < 0x20 { throw unexpected("in string literal") }
            cursor.position += 1
            if byte == UInt8(ascii: "\"") { return start..<cursor.position }
            try escape()
        }
    }

    private mutating func escape() throws(JSONError) {
        guard let byte = cursor.next else { throw ended() }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            cursor.position += 1
        case UInt8(ascii: "u"):
            cursor.position += 1
            for _ in 0..<4 {
                guard let digit = cursor.next else { throw ended() }
                guard JSONSyntax.hexValue(digit) != nil else {
                    throw unexpected("in \\u hexadecimal character escape")
                }
                cursor.position += 1
            }
        default: throw unexpected("in string escape code")
        }
    }

    static func hexValue(_ digit: UInt8) -> UInt16? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// Moves over a number and returns its range.
    mutating func number() throws(JSONError) -> Range<Int> {
        let start = cursor.position
        if cursor.next == UInt8(ascii: "-") { cursor.position += 1 }
        if cursor.next == UInt8(ascii: "0") {
            cursor.position += 1
        } else {
            try digits("in numeric literal")
        }
        if cursor.next == UInt8(ascii: ".") {
            cursor.position += 1
            try digits("after decimal point in numeric literal")
        }
        if cursor.next == UInt8(ascii: "e") || cursor.next == UInt8(ascii: "E") {
            cursor.position += 1
            if cursor.next == UInt8(ascii: "+") || cursor.next == UInt8(ascii: "-") {
                cursor.position += 1
            }
            try digits("in exponent of numeric literal")
        }
        return start..<cursor.position
    }

    private mutating func digits(_ place: String) throws(JSONError) {
        let start = cursor.position
        while let byte = cursor.next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
            cursor.position += 1
        }
        guard cursor.position > start else {
            throw cursor.isAtEnd ? ended() : unexpected(place)
        }
    }

    mutating func bool() throws(JSONError) -> Bool {
        if cursor.next == UInt8(ascii: "t") {
            try literal("true")
            return true
        }
        try literal("false")
        return false
    }

    mutating func literal(_ word: StaticString) throws(JSONError) {
        let bytes = FixedBytes(word)
        for index in 0..<bytes.count {
            guard let byte = cursor.next else { throw ended() }
            guard byte == bytes[index] else {
                let expected = Character(UnicodeScalar(bytes[index]))
                throw unexpected("in literal \(word) (expecting '\(expected)')")
            }
            cursor.position += 1
        }
    }

    func ended() -> JSONError {
        .syntax("unexpected end of JSON input", offset: cursor.position)
    }

    private func unexpected(_ place: String) -> JSONError {
        let shown = cursor.next.map(JSONSyntax.quoted) ?? "''"
        return .syntax("invalid character \(shown) \(place)", offset: cursor.position)
    }

    /// A byte as Go quotes it.
    private static func quoted(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "'"): return "'\\''"
        case UInt8(ascii: "\""): return "'\"'"
        case UInt8(ascii: "\\"): return "'\\\\'"
        case 0x07: return "'\\a'"
        case 0x08: return "'\\b'"
        case 0x09: return "'\\t'"
        case 0x0a: return "'\\n'"
        case 0x0b: return "'\\v'"
        case 0x0c: return "'\\f'"
        case 0x0d: return "'\\r'"
        case 0..<0x20, 0x7f:
            let hex = String(byte, radix: 16)
            return "'\\x\(hex.count == 1 ? "0" : "")\(hex)'"
        case 0x80..<0xa0: return "'\\u00\(String(byte, radix: 16))'"
        default: return "'\(Character(UnicodeScalar(byte)))'"
        }
    }
}

/// The text of strings.
extension JSONSyntax {
    /// The text of a string whose range, with quotes, is given.
    func text(_ range: Range<Int>) -> String {
        let inner = range.lowerBound + 1..<range.upperBound - 1
        if cursor.contains(UInt8(ascii: "\\"), in: inner) { return unescaped(inner) }
        return cursor.repairedString(inner)
    }

    private func unescaped(_ inner: Range<Int>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(inner.count)
        var index = inner.lowerBound
        while index < inner.upperBound {
            let byte = cursor[index]
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                index += 1
                continue
            }
            let escape = cursor[index + 1]
            if escape == UInt8(ascii: "u") {
                let (scalar, length) = unicodeEscape(index, inner.upperBound)
                out.append(contentsOf: Array(String(Character(scalar)).utf8))
                index += length
            } else {
                out.append(JSONSyntax.unescaped(escape))
                index += 2
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func unescaped(_ escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "t"): 0x09
        default: escape
        }
    }

    /// The character of a `\u` escape, with the low half that may follow, and their bytes.
    private func unicodeEscape(_ index: Int, _ end: Int) -> (UnicodeScalar, Int) {
        let high = unit(index)
        if let scalar = UnicodeScalar(high) { return (scalar, 6) }
        let isPair = 0xd800..<0xdc00 ~= high && index + 12 <= end
            && cursor[index + 6] == UInt8(ascii: "\\") && cursor[index + 7] == UInt8(ascii: "u")
        guard isPair, case let low = unit(index + 6), 0xdc00..<0xe000 ~= low else {
            return ("\u{fffd}", 6)
        }
        let code = 0x10000 + (UInt32(high) - 0xd800) << 10 + (UInt32(low) - 0xdc00)
        return (UnicodeScalar(code) ?? "\u{fffd}", 12)
    }

    private func unit(_ index: Int) -> UInt16 {
        var unit: UInt16 = 0
        for offset in 2..<6 {
            unit = unit << 4 | (JSONSyntax.hexValue(cursor[index + offset]) ?? 0)
        }
        return unit
    }
}
