private import CYAML

/// A step of a YAML document, as libyaml's scanner and parser see it.
struct YAMLEvent {
    enum Content {
        case streamEnd
        case documentStart, documentEnd
        case scalar(String, isPlain: Bool)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
        case alias(String)
        /// The beginning of the stream.
        case other
    }

    let content: Content
    let anchor: String?
    let tag: String?
    /// From 1.
    let line: Int
}

/// What is wrong with YAML, in the words of Kubernetes: `yaml: line 2: ...`.
public struct YAMLError: Error, Equatable, CustomStringConvertible {
    public let description: String
    /// From 1; 0 if it is not known.
    public let line: Int

    init(_ problem: String, line: Int) {
        self.line = line
        description = line > 0 ? "yaml: line \(line): \(problem)" : "yaml: \(problem)"
    }
}

/// libyaml's parser over a copy of the input. The only importer of libyaml's reading half.
///
/// Owns its `yaml_parser_t` and frees it exactly once.
@safe struct YAMLEvents: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: RawSpan) {
        unsafe input = .allocate(capacity: max(1, bytes.byteCount))
        let copy = unsafe input
        unsafe bytes.withUnsafeBytes { source in
            for index in 0..<source.count { unsafe copy[index] = unsafe source[index] }
        }
        unsafe parser = .allocate(capacity: 1)
        let isReady = unsafe yaml_parser_initialize(parser) == 1
        precondition(isReady, "libyaml is out of memory")
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.byteCount)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    mutating func next() throws(YAMLError) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw error() }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe YAMLEvent(event)
    }

    /// Where and what, as go-yaml says it: the line of the context, if there is one.
    private func error() -> YAMLError {
        let isScanner = unsafe parser.pointee.error == YAML_SCANNER_ERROR
        let context = unsafe Int(clamping: parser.pointee.context_mark.line)
        let problem = unsafe Int(clamping: parser.pointee.problem_mark.line)
        let line = context != 0 ? context : problem
        let text = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
        return YAMLError(text ?? "unknown problem parsing YAML content",
            line: line != 0 && isScanner ? line + 1 : line)
    }
}

extension YAMLEvent {
    fileprivate init(_ event: yaml_event_t) {
        line = unsafe Int(clamping: event.start_mark.line) + 1
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT: (content, anchor, tag) = (.streamEnd, nil, nil)
        case YAML_DOCUMENT_START_EVENT: (content, anchor, tag) = (.documentStart, nil, nil)
        case YAML_DOCUMENT_END_EVENT: (content, anchor, tag) = (.documentEnd, nil, nil)
        case YAML_ALIAS_EVENT:
            (content, anchor, tag) = (.alias(unsafe text(event.data.alias.anchor) ?? ""), nil, nil)
        case YAML_SCALAR_EVENT:
            let data = unsafe event.data.scalar
            let value = unsafe UnsafeBufferPointer(start: data.value, count: data.length)
            let isPlain = unsafe data.style == YAML_PLAIN_SCALAR_STYLE
            content = .scalar(unsafe String(decoding: value, as: UTF8.self), isPlain: isPlain)
            (anchor, tag) = unsafe (text(data.anchor), text(data.tag))
        case YAML_SEQUENCE_START_EVENT:
            let data = unsafe event.data.sequence_start
            (content, anchor, tag) = unsafe (.sequenceStart, text(data.anchor), text(data.tag))
        case YAML_SEQUENCE_END_EVENT: (content, anchor, tag) = (.sequenceEnd, nil, nil)
        case YAML_MAPPING_START_EVENT:
            let data = unsafe event.data.mapping_start
            (content, anchor, tag) = unsafe (.mappingStart, text(data.anchor), text(data.tag))
        case YAML_MAPPING_END_EVENT: (content, anchor, tag) = (.mappingEnd, nil, nil)
        default: (content, anchor, tag) = (.other, nil, nil)
        }
    }
}

private func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    unsafe bytes.map { unsafe String(cString: $0) }
}
