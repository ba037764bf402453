/// How large segments are to be.
package enum SegmentPlan {
    /// A log is to have some eight segments, within bounds, so that giving one back is a small
    /// step.
    private static let segmentsAimed = 8

    /// Bytes that the next segment should have: a power of two times `min`.
    ///
    /// - Parameter atLeast: What it has to hold, beyond `max` if need be.
    package static func fileBytes(logBytes: Int, atLeast: Int, min: Int, max: Int) -> Int {
        var bytes = min
        while bytes < max, bytes * segmentsAimed < logBytes { bytes *= 2 }
        while bytes < atLeast { bytes *= 2 }
        return bytes
    }
}
