internal import CNghttp2

/// nghttp2's server side of one connection, behind a Swift face. Owns its `nghttp2_session *`.
///
/// Calls back into its delegate while it receives and sends; the delegate must not call `receive`
/// or `send` from there.
@safe final class HTTP2Session {
    protocol Delegate: AnyObject {
        func requestBegan(_ stream: Int32)
        func field(_ stream: Int32, name: Span<UInt8>, value: Span<UInt8>) -> FieldVerdict
        func requestHeadEnded(_ stream: Int32, isBodyless: Bool)
        func bodyBytes(_ stream: Int32, _ bytes: Span<UInt8>)
        func bodyEnded(_ stream: Int32)
        func resetByClient(_ stream: Int32)
        func closed(_ stream: Int32)
        /// How many bytes of the body are ready, and whether they are the last.
        func outputReady(_ stream: Int32) -> (count: Int, isLast: Bool)
        /// Appends `count` bytes of the body.
        func moveOutput(_ stream: Int32, count: Int, to output: inout [UInt8])
    }

    enum FieldVerdict { case accept, resetStream }

    /// nghttp2's text for what the client did wrong.
    struct ProtocolError: Error { let text: String }

    enum ErrorCode: UInt32 {
        case none = 0, protocolError = 1, internalError = 2, refusedStream = 7, cancel = 8
        case enhanceYourCalm = 11
    }

    private var raw: OpaquePointer?
    /// There only during `receive` and `send`.
    fileprivate var delegate: (any Delegate)?
    /// Where frames go, during `send`.
    fileprivate var output: [UInt8] = []
    fileprivate var outputBytesMax = 0

    init(limits: ServerLimits) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe nghttp2_session_server_new2(&raw, sharedCallbacks, context, sharedOptions)
        precondition(unsafe raw != nil, "out of memory")
        submitSettings(limits)
    }

    deinit { unsafe nghttp2_session_del(raw) }

    private func submitSettings(_ limits: ServerLimits) {
        let settings = [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streamsPerConnectionMax),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerBytesMax),
        ].map { nghttp2_settings_entry(settings_id: Int32($0.rawValue), value: UInt32($1)) }
        unsafe nghttp2_submit_settings(raw, noFlags, settings, settings.count)
        unsafe nghttp2_session_set_local_window_size(raw, noFlags, 0,
                                                     Int32(limits.connectionWindowBytes))
    }

    // MARK: In

    func receive(_ bytes: Span<UInt8>, for delegate: any Delegate) throws(ProtocolError) {
        self.delegate = delegate
        defer { self.delegate = nil }
        let count = unsafe bytes.withUnsafeBufferPointer {
            unsafe nghttp2_session_mem_recv(raw, $0.baseAddress, $0.count)
        }
        guard count >= 0 else {
            throw ProtocolError(text: unsafe String(cString: nghttp2_strerror(Int32(count))))
        }
    }

    /// The handler took body bytes: the client may send as many again.
    func consume(_ stream: Int32, count: Int) {
        unsafe nghttp2_session_consume(raw, stream, count)
    }

    // MARK: Out

    /// Whether nothing more will be sent or received.
    var isOver: Bool {
        unsafe nghttp2_session_want_read(raw) == 0 && nghttp2_session_want_write(raw) == 0
    }

    /// Appends frames to `output` until there are none, or it holds `bytesMax` or a frame more.
    func send(_ output: inout [UInt8], bytesMax: Int, for delegate: any Delegate)
        throws(ProtocolError) {
        self.delegate = delegate
        swap(&self.output, &output)
        outputBytesMax = bytesMax
        defer {
            swap(&self.output, &output)
            self.delegate = nil
        }
        while self.output.count < bytesMax {
            var frame: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(raw, &frame)
            guard count >= 0 else {
                throw ProtocolError(text: unsafe String(cString: nghttp2_strerror(Int32(count))))
            }
            guard count > 0 else { return }
            unsafe self.output.append(contentsOf: UnsafeBufferPointer(start: frame, count: count))
        }
    }

    /// Submits an answer; the body is asked of the delegate unless there is none.
    func respond(_ stream: Int32, _ head: HTTP2HeadBlock, hasBody: Bool) {
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.read_callback = { _, stream, _, countMax, flags, _, context in
            guard let session = unsafe HTTP2Session.from(context),
                  let delegate = session.delegate else { return temporalFailure }
            let (count, isLast) = delegate.outputReady(stream)
            if count == 0 && !isLast { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
            let taken = min(count, countMax)
            unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
            if isLast && taken == count { unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
            return taken
        }
        unsafe head.withFields { fields in
            _ = unsafe hasBody
                ? nghttp2_submit_response(raw, stream, fields.baseAddress, fields.count, &provider)
                : nghttp2_submit_response(raw, stream, fields.baseAddress, fields.count, nil)
        }
    }

    /// The body of an answer has more bytes, or its end, for a provider that had none.
    func resume(_ stream: Int32) {
        unsafe nghttp2_session_resume_data(raw, stream)
    }

    func reset(_ stream: Int32, _ code: ErrorCode) {
        unsafe nghttp2_submit_rst_stream(raw, noFlags, stream, code.rawValue)
    }

    /// Tells the client to start no more streams here.
    func announceShutdown() {
        unsafe nghttp2_submit_shutdown_notice(raw)
    }

    /// Refuses streams from now on, those begun are finished; with an error, ends the connection.
    func goAway(_ code: ErrorCode) {
        if code == .none {
            unsafe nghttp2_submit_goaway(raw, noFlags, nghttp2_session_get_last_proc_stream_id(raw),
                                         code.rawValue, nil, 0)
        } else {
            unsafe nghttp2_session_terminate_session(raw, code.rawValue)
        }
    }

    /// The session behind a callback's context; callbacks run within its calls, so it is there.
    fileprivate static func from(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<HTTP2Session>.fromOpaque(context).takeUnretainedValue()
    }
}

/// An answer's pseudo field and fields in HTTP/2's form: names in lower case, bytes in one block.
struct HTTP2HeadBlock {
    private(set) var bytes: [UInt8] = []
    private(set) var spans: [(start: Int, nameCount: Int, valueCount: Int)] = []

    init(_ head: ResponseHead, bodyCount: Int?, date: [UInt8]) {
        bytes.reserveCapacity(head.headers.bytesTotal + 96)
        spans.reserveCapacity(head.headers.count + 3)
        add(":status".utf8, String(head.status).utf8)
        for field in head.headers.fields {
            let name = head.headers.nameBytes(field)
            if !isConnectionSpecific(name) { add(name, head.headers.valueBytes(field)) }
        }
        add("date".utf8, date)
        if let bodyCount { add("content-length".utf8, String(bodyCount).utf8) }
    }

    private mutating func add(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
        spans.append((bytes.count, name.count, value.count))
        bytes += name
        bytes += value
    }

    func withFields(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void) {
        unsafe bytes.withUnsafeBufferPointer { all in
            guard let base = all.baseAddress else { return }
            // nghttp2 copies the fields before it returns and writes to none of them.
            let start = unsafe UnsafeMutablePointer(mutating: base)
            let count = spans.count
            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: count) { fields in
                for (index, span) in spans.enumerated() {
                    unsafe fields.initializeElement(at: index, to: nghttp2_nv(
                        name: start + span.start, value: start + span.start + span.nameCount,
                        namelen: span.nameCount, valuelen: span.valueCount,
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                }
                unsafe body(UnsafeBufferPointer(rebasing: fields[0..<spans.count]))
            }
        }
    }
}

private let noFlags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
private let temporalFailure = Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)

/// Made once for the process, read only from then on.
nonisolated(unsafe) private let sharedOptions: OpaquePointer? = {
    var options: OpaquePointer?
    unsafe nghttp2_option_new(&options)
    unsafe nghttp2_option_set_no_auto_window_update(options, 1)
    // A closed stream is forgotten at once: priorities are not used.
    unsafe nghttp2_option_set_no_closed_streams(options, 1)
    return unsafe options
}()

/// Made once for the process, read only from then on.
nonisolated(unsafe) private let sharedCallbacks: OpaquePointer? = {
    var callbacks: OpaquePointer?
    unsafe nghttp2_session_callbacks_new(&callbacks)
    unsafe setReceiveCallbacks(callbacks)
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) {
        _, frame, header, count, _, context in
        guard let session = unsafe HTTP2Session.from(context), let frame = unsafe frame,
              let delegate = session.delegate else { return Int32(temporalFailure) }
        if session.output.count >= session.outputBytesMax { return NGHTTP2_ERR_WOULDBLOCK.rawValue }
        unsafe session.output.append(contentsOf: UnsafeBufferPointer(start: header, count: 9))
        unsafe delegate.moveOutput(frame.pointee.hd.stream_id, count: count, to: &session.output)
        return 0
    }
    return unsafe callbacks
}()

private func setReceiveCallbacks(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
        guard let frame = unsafe frame, unsafe isRequest(frame) else { return 0 }
        unsafe HTTP2Session.from(context)?.delegate?.requestBegan(frame.pointee.hd.stream_id)
        return 0
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
        _, frame, name, nameCount, value, valueCount, _, context in
        guard let frame = unsafe frame, unsafe isRequest(frame),
              let delegate = unsafe HTTP2Session.from(context)?.delegate else { return 0 }
        let verdict = unsafe delegate.field(
            frame.pointee.hd.stream_id,
            name: UnsafeBufferPointer(start: name, count: nameCount).span,
            value: UnsafeBufferPointer(start: value, count: valueCount).span)
        return verdict == .accept ? 0 : Int32(temporalFailure)
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
        guard let frame = unsafe frame,
              let delegate = unsafe HTTP2Session.from(context)?.delegate else { return 0 }
        unsafe received(frame, delegate)
        return 0
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
        _, _, stream, bytes, count, context in
        unsafe HTTP2Session.from(context)?.delegate?.bodyBytes(
            stream, UnsafeBufferPointer(start: bytes, count: count).span)
        return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
        _, stream, _, context in
        unsafe HTTP2Session.from(context)?.delegate?.closed(stream)
        return 0
    }
}

/// A HEADERS frame that opens a stream, and not one with trailing fields.
private func isRequest(_ frame: UnsafePointer<nghttp2_frame>) -> Bool {
    unsafe frame.pointee.hd.type == UInt8(NGHTTP2_HEADERS.rawValue)
        && frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
}

private func received(_ frame: UnsafePointer<nghttp2_frame>,
                      _ delegate: any HTTP2Session.Delegate) {
    let stream = unsafe frame.pointee.hd.stream_id
    let isLast = unsafe frame.pointee.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    switch unsafe UInt32(frame.pointee.hd.type) {
    case NGHTTP2_HEADERS.rawValue:
        if unsafe isRequest(frame) {
            delegate.requestHeadEnded(stream, isBodyless: isLast)
        } else if isLast {
            delegate.bodyEnded(stream)
        }
    case NGHTTP2_DATA.rawValue:
        if isLast { delegate.bodyEnded(stream) }
    case NGHTTP2_RST_STREAM.rawValue:
        delegate.resetByClient(stream)
    default: break
    }
}
