extension RawSpan {
    /// A copy of the bytes, which the store lends only for a moment.
    var array: [UInt8] {
        unsafe withUnsafeBytes { unsafe [UInt8]($0) }
    }
}
