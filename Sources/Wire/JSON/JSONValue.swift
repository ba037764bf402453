/// Free-form JSON, for patches and custom resources.
extension Value {
    /// Reads any JSON into a tree of maps and lists.
    ///
    /// Numbers are `.int` if they are written without fraction and exponent and fit 64 bits, and
    /// `.double` else. Of repeated keys the last wins.
    public init(json bytes: RawSpan) throws(JSONError) {
        var repeated: [String] = []
        try self.init(json: bytes, repeated: &repeated)
    }

    public init(json bytes: [UInt8]) throws(JSONError) {
        self = try bytes.withRawSpan { (span) throws(JSONError) in try Value(json: span) }
    }

    /// As ``init(json:)``; adds the paths of repeated keys, such as `spec.a[0].b`, to `repeated`.
    public init(json bytes: RawSpan, repeated: inout [String]) throws(JSONError) {
        guard bytes.byteCount <= Bounds.objectBytesMax else { throw .tooBig }
        self = try bytes.withCursor { (cursor) throws(JSONError) in
            var reader = FreeJSONReader(JSONSyntax(cursor))
            let value = try reader.document()
            repeated += reader.repeated
            return value
        }
    }

    /// Reads JSON that this program wrote: a tree as deep as can be is deeper in JSON, by a list or
    /// map around each message, an object in an envelope in the last one, and raw JSON in that.
    init(written json: RawSpan) throws(JSONError) {
        self = try json.withCursor { (cursor) throws(JSONError) in
            var reader = FreeJSONReader(JSONSyntax(cursor, depthMax: 8 * Bounds.depthMax))
            return try reader.document()
        }
    }

    /// The bytes of free-form JSON, maps sorted by key.
    public var json: [UInt8] {
        var writer = ByteWriter()
        JSONWriter.write(self, into: &writer)
        return writer.array()
    }
}

/// Reads values without a schema, and collects the paths of repeated keys.
private struct FreeJSONReader {
    private enum Step {
        case index(Int)
        case key(Range<Int>)
    }

    private var syntax: JSONSyntax
    private var steps: [Step] = []
    private(set) var repeated: [String] = []

    init(_ syntax: JSONSyntax) { self.syntax = syntax }

    mutating func document() throws(JSONError) -> Value {
        let value = try value()
        try syntax.end()
        return value
    }

    private mutating func value() throws(JSONError) -> Value {
        switch try syntax.kind() {
        case .object: return .map(try map())
        case .array: return .list(try list())
        case .string: return .string(syntax.text(try syntax.string()))
        case .number: return try number()
        case .bool: return .bool(try syntax.bool())
        case .null:
            try syntax.literal("null")
            return .null
        }
    }

    private mutating func map() throws(JSONError) -> ValueMap {
        var map = ValueMap()
        guard try syntax.enterObject() else { return map }
        var keys: [Range<Int>] = []
        var entries: [ValueMap.Entry] = []
        repeat {
            let key = try syntax.key()
            steps.append(.key(key))
            entries.append(ValueMap.Entry(key: syntax.text(key), value: try value()))
            steps.removeLast()
            keys.append(key)
        } while try syntax.nextMember()
        for index in map.add(entries) where repeated.count < Bounds.issuesMax {
            repeated.append(path(.key(keys[index])))
        }
        return map
    }

    private mutating func list() throws(JSONError) -> [Value] {
        var list: [Value] = []
        guard try syntax.enterArray() else { return list }
        repeat {
            steps.append(.index(list.count))
            list.append(try value())
            steps.removeLast()
        } while try syntax.nextElement()
        return list
    }

    private mutating func number() throws(JSONError) -> Value {
        let place = try syntax.number()
        if let int = syntax.cursor.int(place) { return .int(int) }
        let text = syntax.cursor.repairedString(place)
        guard let double = Double(text), double.isFinite else {
            throw .mismatch("json: cannot unmarshal number \(text) into Go value of type float64",
                offset: place.lowerBound)
        }
        return .double(double)
    }

    private func path(_ last: Step) -> String {
        var path = ""
        for step in steps + [last] {
            switch step {
            case .index(let index): path += "[\(index)]"
            case .key(let key): path += path.isEmpty ? syntax.text(key) : ".\(syntax.text(key))"
            }
        }
        return path
    }
}
