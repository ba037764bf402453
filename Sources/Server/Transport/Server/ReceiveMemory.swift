import NIOCore

/// The buffer that a loop reads sockets into, lent to one channel at a time.
///
/// NIO would keep one for every channel: 16 KB that an idle watcher has no use for.
final class ReceiveMemory: @unchecked Sendable {
    private static let bytesMax = 16_384
    private var idle: ByteBuffer?

    /// Call on the loop, like all of this.
    fileprivate func take(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        guard var buffer = idle else { return allocator.buffer(capacity: Self.bytesMax) }
        // Not to hold it any more is what lets NIO write to it without a copy.
        idle = nil
        buffer.clear()
        return buffer
    }

    /// Gives a buffer back, once what was read is used.
    func giveBack(_ buffer: ByteBuffer) {
        if buffer.capacity >= Self.bytesMax { idle = buffer }
    }
}

/// Hands a channel its loop's memory. Needs `maxMessagesPerRead` 1.
///
/// The first buffer of a channel is a small one: NIO keeps it for as long as the channel lives.
struct LoopReceiveAllocator: RecvByteBufferAllocator {
    private static let firstBytesMax = 512
    private let memory: ReceiveMemory
    private var isFirst = true

    init(_ memory: ReceiveMemory) {
        self.memory = memory
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        isFirst ? allocator.buffer(capacity: Self.firstBytesMax) : memory.take(allocator)
    }

    /// No size is a promise that NIO reuses no buffer of its own.
    func nextBufferSize() -> Int? { nil }

    mutating func record(actualReadBytes: Int) -> Bool {
        isFirst = false
        return false
    }
}
