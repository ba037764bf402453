import Glibc

/// Lines for people and for programs, each written at once.
enum Output: Int32 {
    case answers = 1
    case error = 2

    static func say(_ line: String, to output: Output = .answers) {
        let bytes = Array((line + "\n").utf8)
        var start = 0
        while start < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe write(output.rawValue, bytes.baseAddress?.advanced(by: start),
                             bytes.count - start)
            }
            // Nobody reads any more.
            guard count > 0 else { return }
            start += count
        }
    }
}
