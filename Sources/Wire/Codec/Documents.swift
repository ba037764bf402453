/// The documents of a file, which is YAML, JSON, or several of either.
public enum Documents {
    /// One document as JSON.
    public struct Document: Sendable {
        public var json: [UInt8]
        /// The line on which it begins, from 1.
        public var line: Int
        /// What strict validation says of keys that YAML has twice; nil if there are none.
        public var issue: String?
    }

    /// Why a file has no documents to read.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// Bytes of a file that is read: many objects of the largest size.
    public static let fileBytesMax = 256 * 1024 * 1024

    /// Splits a file. It is JSON if it begins with `{`, and YAML else.
    ///
    /// JSON documents follow each other with white space or nothing between them.
    public static func split(_ bytes: [UInt8]) throws(Failure) -> [Document] {
        guard bytes.count <= fileBytesMax else {
            throw Failure(description: "the file is larger than \(fileBytesMax) bytes")
        }
        let first = bytes.first { $0 != 0x20 && $0 != 0x0a && $0 != 0x0d && $0 != 0x09 }
        if first == UInt8(ascii: "{") { return try splitJSON(bytes) }
        do {
            return try bytes.withRawSpan { (span) throws(YAMLError) in
                try YAMLAsJSON.all(of: span)
            }.map { Document(json: $0.json, line: $0.line, issue: $0.issue) }
        } catch {
            throw Failure(description: error.description)
        }
    }

    private static func splitJSON(_ bytes: [UInt8]) throws(Failure) -> [Document] {
        var documents: [Document] = []
        do {
            try bytes.withCursor { (cursor) throws(JSONError) in
                var syntax = JSONSyntax(cursor)
                syntax.skipSpace()
                var line = 1
                var counted = 0
                while !syntax.cursor.isAtEnd {
                    let start = syntax.cursor.position
                    try syntax.skipValue()
                    line += cursor.lines(counted..<start)
                    counted = start
                    documents.append(Document(
                        json: cursor.array(start..<syntax.cursor.position), line: line))
                    syntax.skipSpace()
                }
            }
        } catch {
            let place = place(of: error.offset, in: bytes)
            throw Failure(description: "\(place): \(error)")
        }
        return documents
    }

    /// `line 3, column 14`, both from 1, columns in bytes.
    public static func place(of offset: Int, in bytes: [UInt8]) -> String {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == 0x0a } + 1
        let column = offset - (before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0) + 1
        return "line \(line), column \(column)"
    }
}

extension ByteCursor {
    /// Line ends in a range.
    fileprivate func lines(_ range: Range<Int>) -> Int {
        range.count { self[$0] == 0x0a }
    }
}
