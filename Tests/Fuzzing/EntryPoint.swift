import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What reads bytes that nobody vouches for. `MARTLET_FUZZ_TARGET` names the one to be fed.
enum Target: String, CaseIterable {
    case json, yaml, protobuf, stored, patch, selector, log

    static let chosen: Target = {
        let name = unsafe getenv("MARTLET_FUZZ_TARGET").map { unsafe String(cString: $0) }
        guard let name, let target = Target(rawValue: name) else {
            let known = allCases.map(\.rawValue).joined(separator: ", ")
            fatalError("MARTLET_FUZZ_TARGET names one of \(known)")
        }
        return target
    }()

    /// Comes back, whatever the input; a broken promise traps.
    func feed(_ input: [UInt8]) {
        switch self {
        case .json: feedObject(input, .json)
        case .yaml: feedObject(input, .yaml)
        case .protobuf: feedObject(input, .protobuf)
        case .stored: feedStored(input)
        case .patch: feedPatch(input)
        case .selector: feedTexts(input)
        case .log: feedLog(input)
        }
    }
}

/// libFuzzer's entry.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // libFuzzer lends `count` bytes for the time of the call.
    Target.chosen.feed(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

/// Traps unless two ways came to the same.
func promise(_ isKept: Bool, _ what: @autoclosure () -> String) {
    guard isKept else { fatalError(what()) }
}
