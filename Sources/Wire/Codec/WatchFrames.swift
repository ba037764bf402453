/// Events of a watch as they are sent.
public enum WatchFrames {
    /// Kubernetes' words for what happened.
    public enum EventType: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }

    /// Writes a line of JSON: `{"type":"ADDED","object":{...}}`.
    ///
    /// - Parameter object: Writes the object, with kind and apiVersion.
    public static func appendJSON<Failure>(
        _ type: EventType, into writer: inout ByteWriter,
        object: (inout ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        writer.append("{\"type\":\"")
        writer.append(type.rawValue)
        writer.append("\",\"object\":")
        try object(&writer)
        writer.append("}\n")
    }

    /// Writes a frame of protobuf: four bytes of length, the highest first, and a WatchEvent.
    ///
    /// - Parameter object: Writes the object in its envelope.
    public static func appendProtobuf<Failure>(
        _ type: EventType, into writer: inout ByteWriter,
        object: (inout ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        let start = writer.count
        for _ in 0..<4 { writer.append(UInt8(0)) }
        writer.appendField(1, type.rawValue)
        let raw = writer.beginField(2)
        let bytes = writer.beginField(1)
        try object(&writer)
        writer.endField(bytes)
        writer.endField(raw)
        let length = writer.count - start - 4
        for index in 0..<4 {
            writer.set(UInt8(truncatingIfNeeded: length >> (24 - 8 * index)), at: start + index)
        }
    }
}
