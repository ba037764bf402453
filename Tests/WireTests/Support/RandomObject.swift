import Wire

/// Makes objects of any type that a schema allows, as small or as large as a seed has it.
struct RandomObject {
    var random: SeededGenerator
    /// Fields left to fill, so that a type that contains itself ends.
    private var fieldsLeft = 60

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func object(_ type: MessageType, depth: Int = 0) -> Message {
        var message = Message(type)
        guard type.form == .fields else { return oneOf(type, depth) }
        for field in type.fields where fieldsLeft > 0 {
            let isCounted = field.kind == .quantity && field.presence == .always // never absent
            guard isCounted || Int.random(in: 0..<3, using: &random) == 0 else { continue }
            fieldsLeft -= 1
            message[field.number] = value(of: field, depth)
        }
        return message
    }

    /// A JSON schema or its alternative.
    private mutating func oneOf(_ type: MessageType, _ depth: Int) -> Message {
        var message = Message(type)
        let schema = type.form == .oneOrBool ? 2 : 1
        if type.form == .oneOrBool { message[1] = .bool(true) }
        if type.form == .oneOrBool || Bool.random(using: &random) {
            message[schema] = value(of: type.field(schema)!, depth)
        } else {
            message[2] = .list([element(of: type.field(2)!, depth)])
        }
        return message
    }

    private mutating func value(of field: Field, _ depth: Int) -> Value {
        let count = Int.random(in: 1...3, using: &random)
        if field.isList { return .list((0..<count).map { _ in element(of: field, depth) }) }
        guard field.isMap else { return element(of: field, depth) }
        return .map(ValueMap((0..<count).map { _ in (text(), element(of: field, depth)) }))
    }

    private mutating func element(of field: Field, _ depth: Int) -> Value {
        switch field.kind {
        case .string: .string(text())
        case .bool: .bool(Bool.random(using: &random))
        case .int32: .int(Int64(Int32.random(in: .min ... .max, using: &random)))
        case .int64: .int(Int64(bitPattern: random.next()))
        case .double: .double(Double(Int64(bitPattern: random.next())) / 1024)
        case .bytes: .bytes((0..<5).map { _ in UInt8.random(in: 0...255, using: &random) })
        case .message:
            .message(depth < 12 ? object(field.type!, depth: depth + 1) : Message(field.type!))
        case .quantity: .string(["0", "1", "250m", "1Gi", "2k"].randomElement(using: &random)!)
        case .time: .timestamp(Timestamp(seconds: .random(in: 1...4_000_000_000, using: &random)))
        case .microTime: .timestamp(Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_000))
        case .duration: .string("1h0m0s")
        case .intOrString: Bool.random(using: &random) ? .int(80) : .string("25%")
        case .raw: .bytes(Array(#"{"a":[1,2.5,"x"],"b":null}"#.utf8))
        case .items: .list([.string(text()), .string("")])
        }
    }

    private mutating func text() -> String {
        let parts = [
            "name", "a b", "", "true", "1e3", "yes", "~", "0x1F", "2008-01-01", "12:30", "<&>",
            "\"quoted\" \\", "two\nlines\n", "tab\t", "ünïcödé", "日本", "👍", "\u{2028}", "- x", "#",
            "key: value", "\u{7f}", "\u{1}", " leading", "trailing ", "{}", "[a]", "'", "null",
        ]
        let text = parts.randomElement(using: &random)!
        return Bool.random(using: &random) ? text : text + parts.randomElement(using: &random)!
    }
}
