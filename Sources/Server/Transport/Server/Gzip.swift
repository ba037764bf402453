internal import CZlib

/// Whether the client takes gzip, as kube-apiserver reads `Accept-Encoding`: by name, not weight.
func acceptsGzip(_ headers: HTTPHeaders) -> Bool {
    headers.hasToken("accept-encoding", "gzip")
}

/// Holds back up to the limit from which gzip is worth its while, then gzips all that comes.
final class GzipWriter: ResponseWriter, @unchecked Sendable {
    private let exchange: Exchange
    private var head: ResponseHead
    private var held: [[UInt8]] = []
    private var heldCount = 0
    private var deflater: Deflater?

    init(head: ResponseHead, exchange: Exchange) {
        self.head = head
        self.exchange = exchange
    }

    func write(_ bytes: [UInt8]) async throws(ResponseWriteError) {
        if deflater != nil { return try await deflate(bytes) }
        held.append(bytes)
        heldCount += bytes.count
        guard heldCount > exchange.limits.gzipBytesMin else { return }
        deflater = Deflater()
        if deflater != nil {
            head.headers.set("content-encoding", "gzip")
            head.headers.add("vary", "Accept-Encoding")
        }
        exchange.sendHead(head)
        for piece in takeHeld() {
            if deflater == nil { try await exchange.write(piece) } else { try await deflate(piece) }
        }
    }

    /// Sends what is held back or the end of the gzip stream.
    func finish() async throws(ResponseWriteError) {
        if let deflater { return try await exchange.write(deflater.finish()) }
        guard !exchange.isHeadSent else { return }
        exchange.sendHead(head)
        for piece in takeHeld() { try await exchange.write(piece) }
    }

    private func takeHeld() -> [[UInt8]] {
        defer { held = [] }
        return held
    }

    /// In pieces, so that a large body neither fills memory nor keeps the loop from its sockets.
    private func deflate(_ bytes: [UInt8]) async throws(ResponseWriteError) {
        var start = 0
        while start < bytes.count, let deflater {
            let end = min(start + Deflater.pieceBytesMax, bytes.count)
            let output = deflater.push(bytes[start..<end])
            if !output.isEmpty { try await exchange.write(output) }
            start = end
        }
    }
}

/// One gzip stream, level 1 as in kube-apiserver. Owns zlib's state (about 256 KB) and frees it.
@safe final class Deflater {
    static let pieceBytesMax = 65_536
    private let stream: UnsafeMutablePointer<z_stream>

    /// Nil if zlib finds no memory.
    init?() {
        // The property is set last: once it is, a failing init ends with deinit, which frees as well.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        guard unsafe martlet_gzip_init(stream, 1) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = unsafe stream
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    func push(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        precondition(bytes.count <= Self.pieceBytesMax)
        return unsafe bytes.withUnsafeBufferPointer { input in
            // zlib reads through this pointer only, and only until run returns.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(input.count)
            return run(Z_NO_FLUSH)
        }
    }

    func finish() -> [UInt8] {
        unsafe stream.pointee.avail_in = 0
        return run(Z_FINISH)
    }

    private func run(_ flush: Int32) -> [UInt8] {
        var output: [UInt8] = []
        var isFull = true
        while isFull {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 32_768) { buffer, count in
                unsafe stream.pointee.next_out = buffer.baseAddress
                unsafe stream.pointee.avail_out = UInt32(buffer.count)
                _ = unsafe CZlib.deflate(stream, flush)
                unsafe count = buffer.count - Int(stream.pointee.avail_out)
            }
            isFull = piece.count == 32_768
            if output.isEmpty { output = piece } else { output += piece }
        }
        return output
    }
}
