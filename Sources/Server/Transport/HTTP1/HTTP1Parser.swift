/// Reads HTTP/1.1 messages from bytes that come in any pieces. Pure: bytes in, events out.
///
/// Strict where RFC 9112 lets a reader be lenient: lines end with CR LF, no folded fields, no space
/// before a colon, one `Host`, one body length.
struct HTTP1Parser {
    enum Kind { case requests, responses }

    enum Event {
        case head(HTTP1Head)
        /// These bytes of the input belong to the body.
        case body(Range<Int>)
        /// The message is over; call `next` again for the one behind it.
        case end
    }

    private enum State: Equatable {
        case head
        case counted(left: Int)
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case untilClose
        case over
    }

    /// Longest line that gives a chunk's size, extensions included.
    static let chunkLineBytesMax = 256

    private let kind: Kind
    private let headBytesMax: Int
    private var state = State.head
    /// Bytes of a head that were searched for its end already.
    private var searchedCount = 0
    private var trailerBytes = 0
    /// For responses: the request was HEAD, so that the head is all.
    var isBodyless = false

    init(_ kind: Kind, headBytesMax: Int) {
        self.kind = kind
        self.headBytesMax = headBytesMax
    }

    /// Whether the next byte would start a message.
    var isBetweenMessages: Bool { state == .head && searchedCount == 0 }

    /// Whether an answer that ends here with its connection is whole.
    var mayEndWithConnection: Bool { state == .untilClose }

    /// The next event in `input` from `offset` on; nil if more bytes are needed.
    ///
    /// Moves `offset` past what the event used. Bytes from `offset` on must be there again, with
    /// more behind them, in the next call.
    mutating func next(_ input: Span<UInt8>, _ offset: inout Int) throws(HTTP1Error) -> Event? {
        while true {
            switch state {
            case .head:
                return try parseHead(input, &offset)
            case .over:
                state = .head
                return .end
            case .counted(let left):
                return takeBody(input, &offset, left: left) { $0 == 0 ? .over : .counted(left: $0) }
            case .chunk(let left):
                return takeBody(input, &offset, left: left) {
                    $0 == 0 ? .chunkEnd : .chunk(left: $0)
                }
            case .untilClose:
                return takeBody(input, &offset, left: .max) { _ in .untilClose }
            case .chunkEnd:
                guard input.count - offset >= 2 else { return nil }
                guard input[offset] == 13, input[offset + 1] == 10 else {
                    throw .malformed("chunk without end")
                }
                offset += 2
                state = .chunkSize
            case .chunkSize:
                guard try parseChunkSize(input, &offset) else { return nil }
            case .trailers:
                guard try skipTrailer(input, &offset) else { return nil }
            }
        }
    }

    private mutating func takeBody(_ input: Span<UInt8>, _ offset: inout Int, left: Int,
                                   then next: (Int) -> State) -> Event? {
        let count = min(left, input.count - offset)
        guard count > 0 else { return nil }
        defer { offset += count }
        state = next(left - count)
        return .body(offset..<offset + count)
    }

    // MARK: Chunks

    /// The line's end, or nil if it is not there yet.
    private func endOfLine(_ input: Span<UInt8>, _ offset: Int, bytesMax: Int)
        throws(HTTP1Error) -> Int? {
        var index = offset
        let end = min(input.count, offset + bytesMax)
        while index < end {
            if input[index] == 13 {
                guard index + 1 < input.count else { return nil }
                guard input[index + 1] == 10 else { throw .malformed("line without line feed") }
                return index
            }
            guard isFieldByte(input[index]) else { throw .malformed("control character in a line") }
            index += 1
        }
        guard input.count - offset < bytesMax else { throw .malformed("line too long") }
        return nil
    }

    private mutating func parseChunkSize(_ input: Span<UInt8>, _ offset: inout Int)
        throws(HTTP1Error) -> Bool {
        guard let end = try endOfLine(input, offset, bytesMax: Self.chunkLineBytesMax) else {
            return false
        }
        var size = 0
        var digits = 0
        while offset + digits < end, let digit = hexValue(input[offset + digits]) {
            guard digits < 15 else { throw .malformed("chunk too large") }
            size = size << 4 | digit
            digits += 1
        }
        let isFollowedByExtension = offset + digits < end
            && (input[offset + digits] == UInt8(ascii: ";") || input[offset + digits] == 32)
        guard digits > 0, offset + digits == end || isFollowedByExtension else {
            throw .malformed("bad chunk size")
        }
        offset = end + 2
        state = size == 0 ? .trailers : .chunk(left: size)
        trailerBytes = 0
        return true
    }

    /// Trailing fields are read and dropped.
    private mutating func skipTrailer(_ input: Span<UInt8>, _ offset: inout Int)
        throws(HTTP1Error) -> Bool {
        guard let end = try endOfLine(input, offset, bytesMax: headBytesMax - trailerBytes) else {
            return false
        }
        let isLast = end == offset
        trailerBytes += end + 2 - offset
        guard trailerBytes < headBytesMax else { throw .headTooLarge(bytesMax: headBytesMax) }
        offset = end + 2
        if isLast { state = .over }
        return true
    }

    // MARK: The head

    private mutating func parseHead(_ input: Span<UInt8>, _ offset: inout Int)
        throws(HTTP1Error) -> Event? {
        // RFC 9112, 2.2: a line break that a client sent too much is no request.
        while searchedCount == 0, kind == .requests, offset < input.count, input[offset] == 13 {
            guard offset + 1 < input.count else { return nil }
            guard input[offset + 1] == 10 else { break }
            offset += 2
        }
        guard let end = try endOfHead(input, offset) else { return nil }
        searchedCount = 0
        var reader = HTTP1HeadReader(input, from: offset, to: end)
        let head = try reader.read(kind, isBodyless: isBodyless)
        offset = end
        state = switch head.framing {
        case .none: .over
        case .count(let count): .counted(left: count)
        case .chunked: .chunkSize
        case .untilClose: .untilClose
        }
        return .head(head)
    }

    /// The offset behind the empty line that ends a head.
    private mutating func endOfHead(_ input: Span<UInt8>, _ offset: Int)
        throws(HTTP1Error) -> Int? {
        // An end that was cut in two starts up to three bytes before what was searched.
        var index = offset + max(0, searchedCount - 3)
        while index + 3 < input.count {
            if input[index + 3] > 13 {
                index += 4
            } else if input[index] == 13, input[index + 1] == 10,
                      input[index + 2] == 13, input[index + 3] == 10 {
                guard index + 4 - offset <= headBytesMax else { break }
                return index + 4
            } else {
                index += 1
            }
        }
        searchedCount = input.count - offset
        guard searchedCount <= headBytesMax else { throw .headTooLarge(bytesMax: headBytesMax) }
        return nil
    }
}

func hexValue(_ byte: UInt8) -> Int? {
    switch byte {
    case 48...57: Int(byte) - 48
    case 65...70: Int(byte) - 55
    case 97...102: Int(byte) - 87
    default: nil
    }
}
