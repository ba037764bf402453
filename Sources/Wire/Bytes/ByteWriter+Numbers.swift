extension Timestamp {
    /// The years 0 to 9999, which RFC 3339 can write.
    static let secondsRange: ClosedRange<Int64> = -62_167_219_200...253_402_300_799
}

extension ByteWriter {
    /// Writes `2008-01-01T01:01:01` and then `Z`, or microseconds and `Z`.
    ///
    /// A time outside of ``Timestamp/secondsRange`` is moved to its nearest end.
    mutating func append(time: Timestamp, micro: Bool) {
        let range = Timestamp.secondsRange
        let seconds = min(max(time.seconds, range.lowerBound), range.upperBound)
        let days = flooredQuotient(seconds, 86_400)
        let second = Int(seconds - days * 86_400)
        let day = CivilDate(daysSince1970: days)
        reserve(32)
        append(digits: Int(day.year), width: 4)
        append(UInt8(ascii: "-"))
        append(digits: day.month, width: 2)
        append(UInt8(ascii: "-"))
        append(digits: day.day, width: 2)
        append(UInt8(ascii: "T"))
        append(digits: second / 3600, width: 2)
        append(UInt8(ascii: ":"))
        append(digits: second / 60 % 60, width: 2)
        append(UInt8(ascii: ":"))
        append(digits: second % 60, width: 2)
        if micro {
            append(UInt8(ascii: "."))
            append(digits: Int(time.nanoseconds) / 1000, width: 6)
        }
        append(UInt8(ascii: "Z"))
    }

    @inline(__always)
    private mutating func append(digits number: Int, width: Int) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }

    mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        append(decimal: number.magnitude)
    }

    mutating func append(decimal number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }

    /// Writes a number in quotes, as JSON has resourceVersions.
    mutating func append(quoted number: Int64) {
        append(UInt8(ascii: "\""))
        append(decimal: number)
        append(UInt8(ascii: "\""))
    }
}
