extension ByteWriter {
    /// Writes JSON that is known to be valid and without white space, with an indentation of two
    /// spaces, as `?pretty=true` asks for.
    public mutating func append(indented json: RawSpan) {
        json.withCursor { appendIndented($0) }
    }

    private mutating func appendIndented(_ cursor: ByteCursor) {
        var depth = 0
        var index = 0
        while index < cursor.end {
            let byte = cursor[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                let end = endOfString(cursor, index)
                append(cursor, index - 1..<end)
                index = end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                append(byte)
                let isEmpty = index < cursor.end && cursor[index] == byte + 2
                if isEmpty {
                    append(byte + 2)
                    index += 1
                } else {
                    depth += 1
                    appendLine(depth)
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth = max(0, depth - 1)
                appendLine(depth)
                append(byte)
            case UInt8(ascii: ","):
                append(byte)
                appendLine(depth)
            case UInt8(ascii: ":"): append(": ")
            default: append(byte)
            }
        }
    }

    /// The offset after the quote that ends the string whose text begins at `start`.
    private func endOfString(_ cursor: ByteCursor, _ start: Int) -> Int {
        var index = start
        while index < cursor.end {
            switch cursor[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""): return index + 1
            default: index += 1
            }
        }
        return cursor.end
    }

    private mutating func appendLine(_ depth: Int) {
        append(UInt8(ascii: "\n"))
        for _ in 0..<depth { append("  ") }
    }
}
