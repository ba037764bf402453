/// A fixed number of numbers at an address divisible by 64, zero at first: the memory that
/// strategies read and write, too.
///
/// Owns its memory and frees it exactly once. Not for use by two threads at a time.
@safe final class Column<Element: BitwiseCopyable & ExpressibleByIntegerLiteral> {
    let count: Int
    private let memory: UnsafeMutableBufferPointer<Element>

    init(count: Int) {
        self.count = count
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, 1) * MemoryLayout<Element>.stride, alignment: 64)
        // Bound to the one type this memory ever has, and wholly initialized.
        unsafe memory = bytes.bindMemory(to: Element.self)
        unsafe memory.initialize(repeating: 0)
    }

    deinit { unsafe memory.deallocate() }

    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            return unsafe memory[index]
        }
        set {
            precondition(index >= 0 && index < count)
            unsafe memory[index] = newValue
        }
    }

    /// An element without a look at the bounds, for loops over all nodes that are run for each pod.
    @unsafe func unchecked(_ index: Int) -> Element { unsafe memory[index] }

    /// Where the elements begin, for the C structs of the strategy interface.
    @unsafe var base: UnsafePointer<Element> {
        // A buffer that was allocated has an address.
        unsafe UnsafePointer(memory.baseAddress.unsafelyUnwrapped)
    }

    @unsafe var mutableBase: UnsafeMutablePointer<Element> {
        unsafe memory.baseAddress.unsafelyUnwrapped
    }

    func fill(with element: Element) { unsafe memory.update(repeating: element) }

    func copy(from other: Column<Element>) {
        precondition(other.count == count)
        unsafe memory.baseAddress.unsafelyUnwrapped.update(from: other.base, count: count)
    }
}
