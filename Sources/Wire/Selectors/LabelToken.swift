/// A token of a label selector's text.
struct LabelToken {
    enum Kind {
        case text, isIn, isNotIn
        case equals, doubleEquals, notEquals, greaterThan, lessThan
        case not, comma, open, close, end
    }

    let kind: Kind
    let text: String

    /// Words may stand for keys and values, also `in` and `notin`.
    var isText: Bool { kind == .text || kind == .isIn || kind == .isNotIn }

    /// Nil if it is none.
    var `operator`: LabelSelector.Operator? {
        switch kind {
        case .isIn: .isIn
        case .isNotIn: .isNotIn
        case .equals: .equals
        case .doubleEquals: .doubleEquals
        case .notEquals: .notEquals
        case .greaterThan: .greaterThan
        case .lessThan: .lessThan
        default: nil
        }
    }

    /// All tokens, and `.end` behind them.
    static func all(in text: String) -> [LabelToken] {
        var tokens: [LabelToken] = []
        var rest = text[...].utf8
        while true {
            rest = rest.drop(while: isSpace)
            guard let first = rest.first else { break }
            let length = symbolLength(first, second: rest.dropFirst().first)
            let token = length > 0
                ? rest.prefix(length)
                : rest.prefix { !isSpace($0) && !isSymbol($0) }
            rest = rest.dropFirst(token.count)
            let word = String(Substring(token))
            tokens.append(LabelToken(kind: kinds[word] ?? .text, text: word))
        }
        tokens.append(LabelToken(kind: .end, text: ""))
        return tokens
    }

    private static let kinds: [String: Kind] = [
        ")": .close, ",": .comma, "!": .not, "==": .doubleEquals, "=": .equals, ">": .greaterThan,
        "in": .isIn, "<": .lessThan, "!=": .notEquals, "notin": .isNotIn, "(": .open,
    ]

    /// 0 if `first` is no symbol.
    private static func symbolLength(_ first: UInt8, second: UInt8?) -> Int {
        guard isSymbol(first) else { return 0 }
        let takesEqual = first == UInt8(ascii: "=") || first == UInt8(ascii: "!")
        return takesEqual && second == UInt8(ascii: "=") ? 2 : 1
    }

    private static func isSymbol(_ byte: UInt8) -> Bool {
        "=!(),><".utf8.contains(byte)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        " \t\r\n".utf8.contains(byte)
    }
}
