import Wire

/// One object, or several with four bytes of length before each.
enum Frames {
    static func join(_ objects: [[UInt8]]) -> [UInt8] {
        guard objects.count != 1 else { return objects[0] }
        var out: [UInt8] = []
        for object in objects {
            let length = UInt32(object.count)
            for shift in [24, 16, 8, 0] as [UInt32] {
                out.append(UInt8(truncatingIfNeeded: length >> shift))
            }
            out += object
        }
        return out
    }

    /// The objects' places in the file.
    static func split(_ bytes: [UInt8], _ name: String) throws -> [Range<Int>] {
        guard !bytes.isEmpty else { throw Failure(.data, "\(name): there is no object in it") }
        if bytes.starts(with: Array("k8s\0".utf8)) { return [0..<bytes.count] }
        var places: [Range<Int>] = []
        var offset = 0
        while offset < bytes.count {
            guard offset + 4 <= bytes.count else {
                throw Failure(.data, "\(name): byte \(offset): the file ends within a length")
            }
            let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - offset - 4 else {
                throw Failure(.data, "\(name): byte \(offset): neither Kubernetes' protobuf, which "
                    + "begins with k8s\\0, nor the length of an object that is there")
            }
            places.append(offset + 4..<offset + 4 + length)
            offset += 4 + length
        }
        return places
    }
}
