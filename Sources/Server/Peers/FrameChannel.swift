import Joining
import NIOCore
import Transport

/// One connection that carries frames: socket, TLS, frames. Lives on its event loop.
final class FrameChannel: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Who uses a connection. Called on its event loop.
    protocol Owner: AnyObject {
        /// The handshake is done; the peer is not known yet to be anybody.
        func established(_ channel: FrameChannel)
        func received(_ frame: [UInt8], on channel: FrameChannel)
        /// What had to wait can be written now.
        func canWrite(_ channel: FrameChannel)
        /// The connection is gone. Said once, also after ``close()``.
        func ended(_ channel: FrameChannel, because end: End)
    }

    enum End: Equatable {
        /// This side closed it.
        case closedHere
        case closedByPeer
        case tls(TLSError)
        case frameTooLarge(byteCount: Int)
    }

    /// Before the peer is known, no frame is larger.
    static let greetingBytesMax = 65_536
    /// Plaintext made into records at a time.
    static let fillBytesMax = 262_144
    private static let recordBytesMax = 16_384

    let tls: TLSSession
    private var owner: (any Owner)?
    private var reader = FrameReader(frameBytesMax: greetingBytesMax)
    private var context: ChannelHandlerContext?
    private var end: End?
    private var isClosing = false
    private let startsHandshake: Bool
    private var scratch: [UInt8] = []
    /// Of the other side.
    private(set) var remoteAddress = "unknown"
    /// When something came last.
    private(set) var lastHeard = NIODeadline.now()

    /// - Parameter startsHandshake: Whether this side is TLS's client.
    init(tls: TLSSession, startsHandshake: Bool, owner: any Owner) {
        self.tls = tls
        self.startsHandshake = startsHandshake
        self.owner = owner
    }

    var isWritable: Bool { !isClosing && context?.channel.isWritable ?? false }

    /// From now on the peer may send frames of that size.
    func permitFrames(upTo bytesMax: Int) { reader.frameBytesMax = bytesMax }

    /// Sends frames, or parts of them, with their lengths in front. May end the connection, and
    /// may call ``Owner/canWrite(_:)``, before it returns.
    func write(plaintext: [UInt8]) {
        guard let context, !isClosing else { return }
        var ciphertext = ByteBuffer()
        do throws(TLSError) {
            try tls.send(plaintext, output: &ciphertext)
            context.writeAndFlush(wrapOutboundOut(ciphertext), promise: nil)
        } catch {
            close(because: .tls(error))
        }
    }

    /// Sends one frame.
    func write(_ frame: [UInt8]) {
        var writer = FrameWriter()
        writer.append(frame)
        var plaintext: [UInt8] = []
        writer.fill(&plaintext, bytesMax: .max)
        write(plaintext: plaintext)
    }

    func close() { close(because: .closedHere) }

    private func close(because end: End) {
        guard !isClosing else { return }
        isClosing = true
        self.end = end
        guard let context else { return }
        if tls.isEstablished {
            var output = ByteBuffer()
            tls.close(&output)
            if output.readableBytes > 0 {
                context.writeAndFlush(wrapOutboundOut(output), promise: nil)
            }
        }
        context.close(promise: nil)
    }

    // MARK: The channel's side

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        lastHeard = .now()
        if let address = context.remoteAddress, let host = address.ipAddress {
            remoteAddress = PeerAddress(host: host, port: address.port ?? 0).description
        }
        // Closed before it was there.
        if isClosing { return context.close(promise: nil) }
        guard startsHandshake else { return }
        var output = ByteBuffer()
        do throws(TLSError) {
            try tls.handshake(&output)
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        } catch {
            close(because: .tls(error))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        lastHeard = .now()
        let wasEstablished = tls.isEstablished
        var frames: [[UInt8]] = []
        let end = decrypt(unwrapInboundIn(data), &frames)
        if tls.isEstablished && !wasEstablished { owner?.established(self) }
        for frame in frames where !isClosing { owner?.received(frame, on: self) }
        if let end { close(because: end) }
    }

    /// Frames are handed on afterwards, so that what they make others send comes after what the
    /// handshake had to say.
    private func decrypt(_ buffer: ByteBuffer, _ frames: inout [[UInt8]]) -> End? {
        if scratch.isEmpty { scratch = [UInt8](repeating: 0, count: Self.recordBytesMax) }
        var output = ByteBuffer()
        var tooLarge: FrameTooLarge?
        let failure = unsafe buffer.withUnsafeReadableBytes { bytes -> TLSError? in
            do throws(TLSError) {
                unsafe try tls.receive(bytes, output: &output, scratch: &scratch) { plaintext in
                    guard tooLarge == nil else { return }
                    do throws(FrameTooLarge) {
                        try reader.read(plaintext, into: &frames)
                    } catch {
                        tooLarge = error
                    }
                }
                return nil
            } catch {
                return error
            }
        }
        if output.readableBytes > 0 {
            context?.writeAndFlush(wrapOutboundOut(output), promise: nil)
        }
        if let tooLarge { return .frameTooLarge(byteCount: tooLarge.byteCount) }
        if let failure { return .tls(failure) }
        return tls.isClosedByPeer ? .closedByPeer : nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isWritable { owner?.canWrite(self) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        isClosing = true
        let owner = self.owner
        self.owner = nil
        owner?.ended(self, because: end ?? .closedByPeer)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket's error is the peer's going away; channelInactive follows.
        context.close(promise: nil)
    }
}
