private import CYAML

/// libyaml's emitter. The only importer of libyaml's writing half.
///
/// Owns its `yaml_emitter_t` and output, and frees both exactly once. Its methods must be called in
/// an order that makes a document; then libyaml fails only when it is out of memory.
@safe struct YAMLEmitter: ~Copyable {
    enum Style { case plain, doubleQuoted, literal }

    private let emitter: UnsafeMutablePointer<yaml_emitter_t>
    private let output: UnsafeMutablePointer<ByteWriter>

    init() {
        unsafe output = .allocate(capacity: 1)
        unsafe output.initialize(to: ByteWriter())
        unsafe emitter = .allocate(capacity: 1)
        let isReady = unsafe yaml_emitter_initialize(emitter) == 1
        precondition(isReady, "libyaml is out of memory")
        unsafe yaml_emitter_set_output(emitter, { output, bytes, count in
            guard let output = unsafe output else { return 0 }
            let writer = unsafe output.assumingMemoryBound(to: ByteWriter.self)
            unsafe writer.pointee.append(UnsafeBufferPointer(start: bytes, count: count))
            return 1
        }, output)
        unsafe yaml_emitter_set_unicode(emitter, 1)
        unsafe emit { unsafe yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
    }

    deinit {
        unsafe yaml_emitter_delete(emitter)
        unsafe emitter.deallocate()
        unsafe output.deinitialize(count: 1)
        unsafe output.deallocate()
    }

    mutating func beginDocument() {
        unsafe emit { unsafe yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
    }

    mutating func endDocument() {
        unsafe emit { unsafe yaml_document_end_event_initialize(&$0, 1) }
        unsafe yaml_emitter_flush(emitter)
    }

    mutating func beginSequence() {
        unsafe emit {
            unsafe yaml_sequence_start_event_initialize(&$0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE)
        }
    }

    mutating func endSequence() { unsafe emit { unsafe yaml_sequence_end_event_initialize(&$0) } }

    mutating func beginMapping() {
        unsafe emit {
            unsafe yaml_mapping_start_event_initialize(&$0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE)
        }
    }

    mutating func endMapping() { unsafe emit { unsafe yaml_mapping_end_event_initialize(&$0) } }

    mutating func scalar(_ text: String, _ style: Style) {
        let styled = switch style {
        case .plain: YAML_PLAIN_SCALAR_STYLE
        case .doubleQuoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
        case .literal: YAML_LITERAL_SCALAR_STYLE
        }
        var text = text
        text.withUTF8 { bytes in
            unsafe emit {
                unsafe yaml_scalar_event_initialize(
                    &$0, nil, nil, bytes.baseAddress, Int32(bytes.count), 1, 1, styled)
            }
        }
    }

    borrowing func appendOutput(to writer: inout ByteWriter) {
        unsafe output.pointee.withBytes { writer.append($0) }
    }

    private func emit(_ initialize: (inout yaml_event_t) -> Int32) {
        var event = unsafe yaml_event_t()
        let isEmitted = unsafe initialize(&event) == 1 && yaml_emitter_emit(emitter, &event) == 1
        precondition(isEmitted, "libyaml cannot write what a tree holds")
    }
}
