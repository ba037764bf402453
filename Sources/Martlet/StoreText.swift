import Glibc
import Store
import Wire

/// Rows of words, in columns as wide as they have to be.
enum TextTable {
    static func lines(_ rows: [[String]]) -> [String] {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { line($0, widths: widths) }
    }

    /// One of many rows, whose columns are known to be so wide.
    static func line(_ row: [String], widths: [Int]) -> String {
        var line = ""
        for (place, word) in row.enumerated() {
            line += word
            guard place < row.count - 1 else { break }
            line += String(repeating: " ", count: max(0, widths[place] - word.count) + 2)
        }
        return line
    }
}

/// Lines on standard output, of which there may be any number: written in large pieces.
struct LineOutput {
    private var bytes: [UInt8] = []
    private static let piece = 64 * 1024

    /// - Throws: ``FileError`` if nobody takes them.
    mutating func line(_ text: String) throws(FileError) { try line(Array(text.utf8)) }

    mutating func line(_ text: [UInt8]) throws(FileError) {
        bytes += text
        bytes.append(UInt8(ascii: "\n"))
        if bytes.count >= Self.piece { try flush() }
    }

    mutating func flush() throws(FileError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe write(STDOUT_FILENO, $0.baseAddress! + offset, $0.count - offset)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError("write", "standard output") }
            offset += count
        }
        bytes.removeAll(keepingCapacity: true)
    }
}

/// An object of JSON whose fields stay in the order in which they were named.
struct JSONFields {
    private var text = ""

    mutating func add(_ name: String, json value: String) {
        text += (text.isEmpty ? "" : ",") + Self.quoted(name) + ":" + value
    }

    mutating func add(_ name: String, _ value: String) { add(name, json: Self.quoted(value)) }
    mutating func add(_ name: String, _ value: some BinaryInteger) { add(name, json: "\(value)") }
    mutating func add(_ name: String, _ value: Bool) { add(name, json: "\(value)") }

    var object: String { "{\(text)}" }

    static func list(_ objects: [String]) -> String { "[\(objects.joined(separator: ","))]" }

    static func quoted(_ text: String) -> String {
        String(decoding: Value.string(text).json, as: UTF8.self)
    }
}

extension Int64 {
    /// Seconds since 1970 as a time of day in UTC.
    var asTime: String { Timestamp(seconds: self, nanoseconds: 0).rfc3339 }
}
