extension ByteCursor {
    /// The integer that stands in a range, or nil if there is a fraction, an exponent or too much.
    func int(_ range: Range<Int>) -> Int64? {
        var index = range.lowerBound
        let isNegative = index < range.upperBound && self[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        guard index < range.upperBound else { return nil }
        var value: Int64 = 0
        while index < range.upperBound {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= self[index] else { return nil }
            let digit = Int64(self[index] - UInt8(ascii: "0"))
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, carry) = tenfold.subtractingReportingOverflow(digit)
            if overflow || carry { return nil }
            value = next
            index += 1
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// JSON that is known to be valid, without the white space between its parts.
    func compacted(_ range: Range<Int>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(range.count)
        var isString = false
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = self[index]
            if isString, byte == UInt8(ascii: "\\"), index + 1 < range.upperBound {
                out.append(byte)
                index += 1
            } else if byte == UInt8(ascii: "\"") {
                isString.toggle()
            }
            if isString || byte > 0x20 { out.append(self[index]) }
            index += 1
        }
        return out
    }
}
