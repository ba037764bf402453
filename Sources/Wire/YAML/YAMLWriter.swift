extension ByteWriter {
    /// Writes JSON that this program wrote as YAML, keys sorted, with a line end at the end.
    public mutating func append(yaml json: RawSpan) throws(JSONError) {
        YAMLWriter.write(try Value(written: json), into: &self)
    }
}

/// Writes free-form values as YAML, as kubectl prints them: keys sorted, text quoted only where it
/// would be taken for something else, text of several lines as a block.
enum YAMLWriter {
    static func write(_ value: Value, into writer: inout ByteWriter) {
        var emitter = YAMLEmitter()
        emitter.beginDocument()
        emit(value, &emitter)
        emitter.endDocument()
        emitter.appendOutput(to: &writer)
    }

    private static func emit(_ value: Value, _ emitter: inout YAMLEmitter) {
        switch value {
        case .null: emitter.scalar("null", .plain)
        case .bool(let bool): emitter.scalar(bool ? "true" : "false", .plain)
        case .int(let int): emitter.scalar("\(int)", .plain)
        case .double(let double): emitter.scalar(YAMLWriter.text(double), .plain)
        case .string(let text): emitter.scalar(text, style(of: text))
        case .list(let list):
            emitter.beginSequence()
            for element in list { emit(element, &emitter) }
            emitter.endSequence()
        case .map(let map):
            emitter.beginMapping()
            for entry in map.entries.sorted(by: { naturallyPrecedes($0.key, $1.key) }) {
                emitter.scalar(entry.key, style(of: entry.key))
                emit(entry.value, &emitter)
            }
            emitter.endMapping()
        case .bytes, .timestamp, .message:
            preconditionFailure("free-form values have none of these")
        }
    }

    private static func style(of text: String) -> YAMLEmitter.Style {
        if text.utf8.contains(0x0a) { return .literal }
        guard case .string = YAMLScalar(plain: text), text != "<<", !isBase60(text),
            !YAMLScalar.isTimestamp(text)
        else { return .doubleQuoted }
        return .plain
    }

    /// `1:30`, which YAML 1.1 takes for 90: `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`.
    private static func isBase60(_ text: String) -> Bool {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return false }
        return text.wholeMatch(of: /[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?/) != nil
    }

    /// As Go's strconv writes the shortest: an exponent below 1e-4 and from 1e21 on.
    private static func text(_ double: Double) -> String { GoNumber.text(double) }

    /// The order of keys in go-yaml: numbers within names count as numbers, letters come last.
    private static func naturallyPrecedes(_ a: String, _ b: String) -> Bool {
        let (x, y) = (Array(a.unicodeScalars), Array(b.unicodeScalars))
        var isInDigits = false
        for index in 0..<min(x.count, y.count) {
            let (c, d) = (x[index], y[index])
            if c == d {
                isInDigits = isDigit(c)
                continue
            }
            let (isLetterC, isLetterD) = (c.properties.isAlphabetic, d.properties.isAlphabetic)
            if isLetterC && isLetterD { return c < d }
            if isLetterC || isLetterD { return isInDigits ? isLetterC : isLetterD }
            return numbersPrecede(x, y, index) ?? (c < d)
        }
        return x.count < y.count
    }

    /// Compares the numbers at an index, or nil if there are none on both sides.
    private static func numbersPrecede(_ x: [UnicodeScalar], _ y: [UnicodeScalar], _ index: Int)
        -> Bool?
    {
        var (i, j) = (index, index)
        if x[index].value == 0x30 || y[index].value == 0x30 {
            var before = index - 1
            while before >= 0, isDigit(x[before]) {
                if x[before].value != 0x30 { return nil }
                before -= 1
            }
        }
        var (m, n): (UInt64, UInt64) = (0, 0)
        while i < x.count, isDigit(x[i]) { m = m &* 10 &+ UInt64(x[i].value - 0x30); i += 1 }
        while j < y.count, isDigit(y[j]) { n = n &* 10 &+ UInt64(y[j].value - 0x30); j += 1 }
        if m != n { return m < n }
        return i != j ? i < j : nil
    }

    private static func isDigit(_ scalar: UnicodeScalar) -> Bool { 0x30...0x39 ~= scalar.value }
}
