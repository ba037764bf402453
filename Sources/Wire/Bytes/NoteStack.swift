/// Where a field is in a message: the offsets of its first and its last tag.
struct Note: BitwiseCopyable {
    private let offsets: UInt64

    @inline(__always)
    init(first: Int, last: Int) {
        offsets = UInt64(truncatingIfNeeded: first) | UInt64(truncatingIfNeeded: last) << 32
    }

    var first: Int { Int(offsets & 0xffff_ffff) }
    var last: Int { Int(offsets >> 32) }
}

/// Notes about messages within each other. Grows to what the deepest message needs, and stays.
@safe struct NoteStack: ~Copyable {
    private var base: UnsafeMutablePointer<Note>
    private var capacity = 1024
    private var count = 0

    init() {
        unsafe base = .allocate(capacity: capacity)
        unsafe base.initialize(repeating: Note(first: 0, last: 0), count: capacity)
    }

    deinit { unsafe base.deallocate() }

    mutating func removeAll() { count = 0 }

    /// Makes room for `extra` notes, which hold anything, and returns the first's index.
    @inline(__always)
    mutating func push(_ extra: Int) -> Int {
        if capacity - count < extra { grow(extra) }
        defer { count += extra }
        return count
    }

    @inline(__always)
    mutating func pop(_ extra: Int) {
        precondition(extra <= count, "more popped than pushed")
        count -= extra
    }

    private mutating func grow(_ extra: Int) {
        let wider = max(capacity * 2, count + extra)
        let copy = UnsafeMutablePointer<Note>.allocate(capacity: wider)
        unsafe copy.initialize(repeating: Note(first: 0, last: 0), count: wider)
        unsafe copy.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = copy
        capacity = wider
    }

    @inline(__always)
    subscript(index: Int) -> Note {
        get {
            precondition(index >= 0 && index < count, "no such note")
            return unsafe base[index]
        }
        set {
            precondition(index >= 0 && index < count, "no such note")
            unsafe base[index] = newValue
        }
    }
}
