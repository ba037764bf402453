/// What is wrong with bytes that should be a protobuf message.
public struct ProtobufError: Error, Equatable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        case truncated
        case overlongVarint
        case invalidFieldNumber
        /// Wire type that the bytes have; protobuf's numbers.
        case wrongWireType(UInt8)
        case invalidUTF8
        case invalidQuantity
        case invalidTime
        case invalidIntOrString
        case invalidJSON
        case tooDeep
        case tooBig
        case tooManyReturns
        case noEnvelope
        case encoded(String)
    }

    public var reason: Reason
    /// Of the byte where it was noticed, from the beginning of the input.
    public var offset: Int
    /// JSON names of the fields around the place, outermost first: `["spec", "containers"]`.
    public var path: [String] = []

    init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// The same within a field.
    func within(_ field: Field) -> ProtobufError {
        var error = self
        error.path.insert(field.name, at: 0)
        return error
    }

    public var description: String {
        let place = path.isEmpty ? "" : " in \(path.joined(separator: "."))"
        return "invalid protobuf at byte \(offset)\(place): \(text)"
    }

    private var text: String {
        switch reason {
        case .truncated: "unexpected end"
        case .overlongVarint: "a varint is longer than 64 bits"
        case .invalidFieldNumber: "a field has a number that is not allowed"
        case .wrongWireType(let type): "wire type \(type) does not fit the field"
        case .invalidUTF8: "a string is not UTF-8"
        case .invalidQuantity: "a quantity is not valid"
        case .invalidTime: "a time is outside of the years 0 to 9999"
        case .invalidIntOrString: "neither an int nor a string"
        case .invalidJSON: "raw JSON is not valid"
        case .tooDeep: "nested deeper than \(Bounds.depthMax)"
        case .tooBig: "more than \(Bounds.objectBytesMax) bytes"
        case .tooManyReturns: "fields are repeated in too many places"
        case .noEnvelope:
            "provided data does not appear to be a protobuf message, "
                + "expected prefix [107 56 115 0]"
        case .encoded(let encoding): "content encoding \(encoding) is not supported"
        }
    }
}
