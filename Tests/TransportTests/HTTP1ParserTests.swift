import Testing
@testable import Transport

@Suite("The HTTP/1.1 parser")
struct HTTP1ParserTests {
    @Test("reads requests as the cases say", arguments: try Case.load("http1-requests"))
    func requests(example: Case) {
        #expect(account(of: [example.input]) == example.expected)
    }

    @Test("reads them alike byte by byte", arguments: try Case.load("http1-requests"))
    func byteByByte(example: Case) {
        #expect(account(of: example.input.map { [$0] }) == example.expected)
    }

    @Test("A head may be as large as the limit, and no larger")
    func limit() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        let room = 1_024 - start.utf8.count - 4
        let fitting = start + String(repeating: "x", count: room) + "\r\n\r\n"
        let tooLarge = start + String(repeating: "x", count: room + 1) + "\r\n\r\n"
        #expect(account(of: [Array(fitting.utf8)], headBytesMax: 1_024).hasSuffix("end\n"))
        #expect(account(of: [Array(tooLarge.utf8)], headBytesMax: 1_024) == "431\n")
        #expect(account(of: Array(tooLarge.utf8).map { [$0] }, headBytesMax: 1_024) == "431\n")
        let endless = [UInt8](repeating: UInt8(ascii: "x"), count: 1_025)
        #expect(account(of: [endless], headBytesMax: 1_024) == "431\n")
    }

    @Test("Trailing fields are bounded")
    func trailers() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        let trailers = String(repeating: "X: y\r\n", count: 1_000)
        let told = account(of: [Array((head + trailers).utf8)], headBytesMax: 1_024)
        #expect(told.hasSuffix("431\n") || told.hasSuffix("400 line too long\n"))
    }

    @Test("An answer may end with its connection")
    func untilClose() throws {
        var parser = HTTP1Parser(.responses, headBytesMax: 1_024)
        let bytes = Array("HTTP/1.1 200 OK\r\nx: y\r\n\r\nabc".utf8)
        var offset = 0
        guard case .head(let head)? = try parser.next(bytes.span, &offset),
              case .body(let range)? = try parser.next(bytes.span, &offset) else {
            Issue.record("no head and body")
            return
        }
        #expect(head.startLine == .status(200))
        #expect(Array(bytes[range]) == Array("abc".utf8))
        #expect(parser.mayEndWithConnection)
    }

    @Test("No bytes make it trap, and pieces make no difference",
          arguments: fuzzSeeds(inputsPerSeed: 300, inputs: 20_000))
    func fuzz(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let corpus = try Case.load("http1-requests").map(\.input)
        for _ in 0..<300 {
            let bytes = mutated(corpus, using: &generator)
            let whole = account(of: [bytes], headBytesMax: 512)
            let pieces = split(bytes, using: &generator)
            #expect(account(of: pieces, headBytesMax: 512) == whole, "seed \(seed): \(bytes)")
        }
    }

    private func mutated(_ corpus: [[UInt8]], using generator: inout SplitMix) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0...Int.random(in: 0...1, using: &generator) {
            bytes += corpus[Int.random(in: 0..<corpus.count, using: &generator)]
        }
        for _ in 0..<Int.random(in: 0...6, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0...3, using: &generator) {
            case 0: bytes[index] = .random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert([13, 10, 32, 58, 59, 0][index % 6], at: index)
            default: bytes.removeLast(bytes.count - index)
            }
        }
        return bytes
    }

    private func split(_ bytes: [UInt8], using generator: inout SplitMix) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...min(rest.count, 40), using: &generator)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    /// What the parser finds in `pieces`, as the case files tell it.
    private func account(of pieces: [[UInt8]], headBytesMax: Int = 4_096) -> String {
        var parser = HTTP1Parser(.requests, headBytesMax: headBytesMax)
        var (told, body, pending) = ("", [UInt8](), [UInt8]())
        func tellBody() {
            if !body.isEmpty { told += "body \(String(decoding: body, as: UTF8.self))\n" }
            body = []
        }
        do throws(HTTP1Error) {
            for piece in pieces {
                pending += piece
                var offset = 0
                while let event = try parser.next(pending.span, &offset) {
                    switch event {
                    case .head(let head): told += text(head)
                    case .body(let range): body += pending[range]
                    case .end:
                        tellBody()
                        told += "end\n"
                    }
                }
                pending.removeFirst(offset)
            }
            tellBody()
        } catch {
            tellBody()
            if case .malformed(let reason) = error { return told + "400 \(reason)\n" }
            return told + "\(error.status)\n"
        }
        return told
    }

    private func text(_ head: HTTP1Head) -> String {
        guard case .request(let method, let target) = head.startLine else { return "?\n" }
        let line = "\(method) \(target) HTTP/1.\(head.versionMinor) "
            + (head.isKeepAlive ? "keep-alive" : "close") + "\n"
        return line + head.headers.map { "\($0.name): \($0.value)\n" }.joined()
    }
}
