extension ObjectCodec {
    /// The text at the end of a path of field numbers; nil if it is not there.
    ///
    /// - Parameter path: Numbers of messages, then of a string: a pod's `spec.nodeName` is [2, 10].
    /// - Throws: If the bytes that lie on the way are damaged.
    /// - Complexity: O(fields of the messages on the way); nothing beside them is looked at.
    public static func text(
        at path: [Int], of bytes: RawSpan
    ) throws(ProtobufError) -> String? {
        precondition(!path.isEmpty, "a path leads somewhere")
        return try bytes.withCursor { (cursor) throws(ProtobufError) in
            var here = cursor
            for number in path.dropLast() {
                guard let inner = try here.message(of: number) else { return nil }
                here = inner
            }
            return try here.text(of: path[path.count - 1])
        }
    }
}

extension ByteCursor {
    /// The bytes of the message in a field, which stands once; nil if it is not there.
    fileprivate func message(of number: Int) throws(ProtobufError) -> ByteCursor? {
        var cursor = self
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.number == number { return subrange(try cursor.delimited(tag)) }
            try cursor.skip(tag)
        }
        return nil
    }
}
