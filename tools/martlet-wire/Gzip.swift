import CZlib

/// gzip of whole files.
enum Gzip {
    /// Bytes that a compressed file may expand to.
    static let expandedBytesMax = 256 * 1024 * 1024

    static func isCompressed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

    static func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        var stream = unsafe z_stream()
        guard unsafe martlet_gzip_init(&stream, 6) == Z_OK else {
            throw Failure(.data, "zlib is out of memory")
        }
        defer { unsafe deflateEnd(&stream) }
        var out = [UInt8](repeating: 0, count: Int(unsafe deflateBound(&stream, UInt(bytes.count))))
        let status = unsafe run(&stream, bytes, &out) { unsafe deflate(&$0, Z_FINISH) }
        guard status == Z_STREAM_END else {
            throw Failure(.data, "zlib cannot compress the output")
        }
        return Array(out.prefix(unsafe Int(stream.total_out)))
    }

    static func expand(_ bytes: [UInt8]) throws -> [UInt8] {
        var size = max(64 * 1024, bytes.count * 4)
        while true {
            var out = [UInt8](repeating: 0, count: min(size, expandedBytesMax))
            var stream = unsafe z_stream()
            guard unsafe martlet_gunzip_init(&stream) == Z_OK else {
                throw Failure(.data, "zlib is out of memory")
            }
            defer { unsafe inflateEnd(&stream) }
            let status = unsafe run(&stream, bytes, &out) { unsafe inflate(&$0, Z_FINISH) }
            if status == Z_STREAM_END { return Array(out.prefix(unsafe Int(stream.total_out))) }
            let isFull = unsafe status == Z_BUF_ERROR && stream.avail_out == 0
            guard isFull, size < expandedBytesMax else {
                throw Failure(.data, "the gzip stream is damaged or expands to too much")
            }
            size *= 4
        }
    }

    /// Calls zlib once with both buffers, which outlive the call.
    private static func run(
        _ stream: inout z_stream, _ input: [UInt8], _ output: inout [UInt8],
        _ body: (inout z_stream) -> Int32
    ) -> Int32 {
        var input = input
        return unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe stream.next_in = source.baseAddress
                unsafe stream.avail_in = UInt32(source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(target.count)
                return unsafe body(&stream)
            }
        }
    }
}
