/// The name of a setting, as it stands in a configuration.
@safe public struct ConfigName {
    fileprivate let bytes: UnsafeBufferPointer<UInt8>

    public func `is`(_ name: StaticString) -> Bool {
        guard unsafe bytes.count == name.utf8CodeUnitCount else { return false }
        for index in 0..<name.utf8CodeUnitCount
        where unsafe bytes[index] != name.utf8Start[index] { return false }
        return true
    }
}

/// Reads `{"name": 1, ...}`: all that a strategy of ours can be told.
@safe public struct ConfigReader {
    /// Settings are weights; more would drown everything else.
    public static let valueMax: Int64 = 100

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    public init(_ bytes: UnsafeBufferPointer<UInt8>) { unsafe self.bytes = bytes }

    /// Hands every setting to `set`. - Returns: nil, or a sentence about what is wrong.
    public mutating func read(_ set: (ConfigName, Int64) -> Bool) -> StaticString? {
        guard take(0x7B) else { return "the configuration is not a JSON object" }
        if !take(0x7D) {
            repeat {
                guard let name = name(), take(0x3A), let value = number() else {
                    return "the configuration is not an object of whole numbers"
                }
                guard value <= Self.valueMax else { return "a setting is not between 0 and 100" }
                guard set(name, value) else { return "the configuration has an unknown setting" }
            } while take(0x2C)
            guard take(0x7D) else { return "the configuration is not an object of whole numbers" }
        }
        skipSpace()
        return unsafe position == bytes.count ? nil : "something follows the configuration"
    }

    private mutating func skipSpace() {
        while unsafe position < bytes.count,
            unsafe [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard unsafe position < bytes.count, unsafe bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Names of settings need no escapes, so one that has them is unknown.
    private mutating func name() -> ConfigName? {
        guard take(0x22) else { return nil }
        let start = position
        while unsafe position < bytes.count, unsafe bytes[position] != 0x22 { position += 1 }
        guard unsafe position < bytes.count else { return nil }
        position += 1
        return unsafe ConfigName(
            bytes: UnsafeBufferPointer(rebasing: bytes[start..<(position - 1)]))
    }

    private mutating func number() -> Int64? {
        skipSpace()
        var value: Int64?
        while unsafe position < bytes.count, unsafe (0x30...0x39).contains(bytes[position]) {
            // Stays far below overflow: larger numbers are refused anyway.
            value = unsafe min((value ?? 0) * 10 + Int64(bytes[position] - 0x30), 1_000_000)
            position += 1
        }
        return value
    }
}
