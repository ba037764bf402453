/// Reads comma-separated values: one record a line, columns quoted where they hold commas.
struct CSVReader {
    struct Record {
        /// Of the record's first byte, from 1.
        let line: Int
        let columns: [String]
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next record that is not an empty line, or nil at the end.
    mutating func next() throws(StaticTokens.FileError) -> Record? {
        while position < bytes.count, isLineBreak(bytes[position]) { skipLineBreak() }
        guard position < bytes.count else { return nil }
        let first = line
        var columns = [try column()]
        while position < bytes.count, bytes[position] == UInt8(ascii: ",") {
            position += 1
            columns.append(try column())
        }
        if position < bytes.count { skipLineBreak() }
        return Record(line: first, columns: columns)
    }

    private mutating func column() throws(StaticTokens.FileError) -> String {
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
            return try quotedColumn()
        }
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","),
            !isLineBreak(bytes[position]) {
            if bytes[position] == UInt8(ascii: "\"") { throw error(.strayQuote) }
            position += 1
        }
        return try text(Array(bytes[start..<position]))
    }

    private mutating func quotedColumn() throws(StaticTokens.FileError) -> String {
        let start = line
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            guard byte == UInt8(ascii: "\"") else { content.append(byte); continue }
            let isDoubled = position < bytes.count && bytes[position] == UInt8(ascii: "\"")
            if isDoubled {
                content.append(byte)
                position += 1
                continue
            }
            let ends = position == bytes.count || bytes[position] == UInt8(ascii: ",")
                || isLineBreak(bytes[position])
            guard ends else { throw error(.strayQuote) }
            return try text(content)
        }
        throw StaticTokens.FileError(line: start, fault: .openQuote)
    }

    private func text(_ content: [UInt8]) throws(StaticTokens.FileError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else { throw error(.notUTF8) }
        return text
    }

    private func error(_ fault: StaticTokens.FileError.Fault) -> StaticTokens.FileError {
        StaticTokens.FileError(line: line, fault: fault)
    }

    private func isLineBreak(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    private mutating func skipLineBreak() {
        if bytes[position] == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }
}
