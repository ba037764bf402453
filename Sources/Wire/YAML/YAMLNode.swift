/// A document of YAML with its aliases expanded and its scalars understood.
struct YAMLNode {
    enum Content {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// In the order of the text; merged keys come before those that stand there themselves.
        case mapping([(key: String, value: YAMLNode)])
    }

    let content: Content
    /// Nodes in it, itself included, with aliases counted as often as they stand.
    let count: Int
    /// Levels below it.
    let height: Int
}

/// One document of a file.
struct YAMLDocument {
    let root: YAMLNode
    /// The line on which it begins, from 1.
    let line: Int
    /// `line 6: key "data" already set in map`
    let repeated: [String]
}

/// Composes documents of events. Bounded: a tree's depth by ``Bounds/depthMax``, its nodes, counted
/// with all aliases expanded, by ``Bounds/yamlNodesMax``.
struct YAMLComposer: ~Copyable {
    private var events: YAMLEvents
    private var anchors: [String: YAMLNode] = [:]
    private var repeated: [String] = []
    private var nodes = 0

    init(_ bytes: RawSpan) { events = YAMLEvents(bytes) }

    /// The next document, or nil after the last.
    mutating func document() throws(YAMLError) -> YAMLDocument? {
        (anchors, repeated, nodes) = ([:], [], 0)
        while true {
            let event = try events.next()
            switch event.content {
            case .streamEnd: return nil
            case .documentStart:
                let first = try events.next()
                let root = try node(first, depth: 0)
                return YAMLDocument(root: root, line: first.line, repeated: repeated)
            default: continue
            }
        }
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> YAMLNode {
        guard depth < Bounds.depthMax else {
            throw YAMLError("exceeded max depth", line: event.line)
        }
        let node: YAMLNode
        switch event.content {
        case .alias(let name): node = try expand(name, event, depth)
        case .scalar(let text, let isPlain):
            node = YAMLNode(content: .scalar(try scalar(text, isPlain, event)), count: 1, height: 0)
        case .sequenceStart: node = try sequence(depth)
        case .mappingStart: node = try mapping(depth)
        default: throw YAMLError("did not find expected node content", line: event.line)
        }
        if case .alias = event.content {} else { nodes += 1 }
        guard nodes <= Bounds.yamlNodesMax else {
            throw YAMLError("document contains excessive aliasing", line: 0)
        }
        if let anchor = event.anchor { anchors[anchor] = node }
        return node
    }

    private mutating func expand(_ name: String, _ event: YAMLEvent, _ depth: Int) throws(YAMLError)
        -> YAMLNode
    {
        guard let node = anchors[name] else {
            throw YAMLError("unknown anchor '\(name)' referenced", line: 0)
        }
        guard depth + node.height < Bounds.depthMax else {
            throw YAMLError("exceeded max depth", line: event.line)
        }
        nodes += node.count
        return node
    }

    private func scalar(_ text: String, _ isPlain: Bool, _ event: YAMLEvent) throws(YAMLError)
        -> YAMLScalar
    {
        do {
            return try YAMLScalar(text, tag: event.tag, isPlain: isPlain)
        } catch {
            throw YAMLError("cannot decode `\(text)` as \(event.tag ?? "")", line: event.line)
        }
    }

    private mutating func sequence(_ depth: Int) throws(YAMLError) -> YAMLNode {
        var elements: [YAMLNode] = []
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.content { break }
            elements.append(try node(event, depth: depth + 1))
        }
        return YAMLNode(
            content: .sequence(elements), count: elements.reduce(1) { $0 + $1.count },
            height: 1 + (elements.map(\.height).max() ?? 0))
    }

    private mutating func mapping(_ depth: Int) throws(YAMLError) -> YAMLNode {
        var merged: [(key: String, value: YAMLNode)] = []
        var entries: [(key: String, value: YAMLNode)] = []
        var keys: Set<String> = []
        while true {
            let event = try events.next()
            if case .mappingEnd = event.content { break }
            let key = try node(event, depth: depth + 1)
            let value = try node(try events.next(), depth: depth + 1)
            if case .scalar("<<", isPlain: true) = event.content, event.tag == nil {
                merged = try YAMLComposer.merging(value, event.line) + merged
                continue
            }
            let name = try YAMLComposer.name(key, event.line)
            if !keys.insert(name).inserted, repeated.count < Bounds.issuesMax {
                repeated.append("line \(event.line): key \(goQuoted(name.utf8)) already set in map")
            }
            entries.append((name, value))
        }
        let all = merged + entries
        return YAMLNode(
            content: .mapping(all), count: all.reduce(1) { $0 + 1 + $1.value.count },
            height: 1 + (all.map(\.value.height).max() ?? 0))
    }

    /// The entries that a merge key brings. Of a list of mappings, the first with a key gives it.
    private static func merging(_ node: YAMLNode, _ line: Int) throws(YAMLError)
        -> [(key: String, value: YAMLNode)]
    {
        switch node.content {
        case .mapping(let entries): return entries
        case .sequence(let list):
            var entries: [(key: String, value: YAMLNode)] = []
            for element in list.reversed() {
                guard case .mapping(let part) = element.content else { break }
                entries += part
            }
            if list.allSatisfy({ if case .mapping = $0.content { true } else { false } }) {
                return entries
            }
        case .scalar: break
        }
        throw YAMLError("map merge requires map or sequence of maps as the value", line: 0)
    }

    /// A key as JSON names it.
    private static func name(_ key: YAMLNode, _ line: Int) throws(YAMLError) -> String {
        guard case .scalar(let scalar) = key.content else {
            throw YAMLError("invalid map key", line: line)
        }
        switch scalar {
        case .string(let text): return text
        case .bool(let bool): return bool ? "true" : "false"
        case .int(let int): return "\(int)"
        case .unsigned(let int): return "\(int)"
        case .double(let double) where double.isFinite: return GoNumber.text(double)
        case .double, .null: throw YAMLError("invalid map key", line: line)
        }
    }
}
