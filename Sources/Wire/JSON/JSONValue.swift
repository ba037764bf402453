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
            try Value(JSONSyntax(cursor), &repeated)
        }
    }

    /// Reads JSON that this program wrote: a tree as deep as can be is deeper in JSON, by a list or
    /// map around each message and the raw JSON in the last.
    init(written json: RawSpan) throws(JSONError) {
        self = try json.withCursor { (cursor) throws(JSONError) in
            var repeated: [String] = []
            return try Value(JSONSyntax(cursor, depthMax: 4 * Bounds.depthMax), &repeated)
        }
    }

    private init(_ syntax: JSONSyntax, _ repeated: inout [String]) throws(JSONError) {
        var syntax = syntax
        self = try syntax.value("", &repeated)
        try syntax.end()
    }

    /// The bytes of free-form JSON, maps sorted by key.
    public var json: [UInt8] {
        var writer = ByteWriter()
        JSONWriter.write(self, into: &writer)
        return writer.array()
    }
}

extension JSONSyntax {
    fileprivate mutating func value(_ path: String, _ repeated: inout [String]) throws(JSONError)
        -> Value
    {
        switch try kind() {
        case .object: return .map(try map(path, &repeated))
        case .array: return .list(try list(path, &repeated))
        case .string: return .string(text(try string()))
        case .number: return try freeNumber()
        case .bool: return .bool(try bool())
        case .null:
            try literal("null")
            return .null
        }
    }

    private mutating func map(_ path: String, _ repeated: inout [String]) throws(JSONError)
        -> ValueMap
    {
        var map = ValueMap()
        guard try enterObject() else { return map }
        repeat {
            let key = text(try key())
            let place = path.isEmpty ? key : "\(path).\(key)"
            if map[key] != nil, repeated.count < Bounds.issuesMax { repeated.append(place) }
            map[key] = try value(place, &repeated)
        } while try nextMember()
        return map
    }

    private mutating func list(_ path: String, _ repeated: inout [String]) throws(JSONError)
        -> [Value]
    {
        var list: [Value] = []
        guard try enterArray() else { return list }
        repeat {
            list.append(try value("\(path)[\(list.count)]", &repeated))
        } while try nextElement()
        return list
    }

    private mutating func freeNumber() throws(JSONError) -> Value {
        let place = try number()
        if let int = cursor.int(place) { return .int(int) }
        let text = cursor.repairedString(place)
        guard let double = Double(text), double.isFinite else {
            throw .mismatch("json: cannot unmarshal number \(text) into Go value of type float64",
                offset: place.lowerBound)
        }
        return .double(double)
    }
}
