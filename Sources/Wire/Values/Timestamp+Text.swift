extension Timestamp {
    /// `2006-01-02T15:04:05Z`
    public var rfc3339: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20)
        appendRFC3339(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `2006-01-02T15:04:05.000000Z`
    public var rfc3339Micro: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        appendRFC3339Micro(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the 20 bytes of ``rfc3339``, without a String in between.
    public func appendRFC3339(to bytes: inout some RangeReplaceableCollection<UInt8>) {
        appendDateAndTime(to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Appends the 27 bytes of ``rfc3339Micro``, without a String in between.
    public func appendRFC3339Micro(to bytes: inout some RangeReplaceableCollection<UInt8>) {
        appendDateAndTime(to: &bytes)
        bytes.append(UInt8(ascii: "."))
        // A peer may have sent any number, which is kept as it came.
        let microseconds = min(max(nanoseconds, 0), 999_999_999) / 1000
        appendDecimal(Int64(microseconds), digits: 6, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    private func appendDateAndTime(to bytes: inout some RangeReplaceableCollection<UInt8>) {
        let days = flooredQuotient(seconds, 86400)
        let date = CivilDate(daysSince1970: days)
        let secondOfDay = (seconds % 86400 + 86400) % 86400
        if date.year < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDecimal(abs(date.year), digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDecimal(Int64(date.month), digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDecimal(Int64(date.day), digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        appendDecimal(secondOfDay / 3600, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDecimal(secondOfDay / 60 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDecimal(secondOfDay % 60, digits: 2, to: &bytes)
    }
}

/// Appends a number of at least `digits` digits, with zeros in front.
private func appendDecimal(
    _ number: Int64, digits: Int, to bytes: inout some RangeReplaceableCollection<UInt8>
) {
    var power: Int64 = 1
    for _ in 1..<digits { power *= 10 }
    while number / power >= 10 { power *= 10 }
    while power > 0 {
        bytes.append(UInt8(ascii: "0") + UInt8(number / power % 10))
        power /= 10
    }
}
