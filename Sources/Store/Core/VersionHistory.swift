/// The superseded versions of all keys, newest first for each. 24 bytes a version.
///
/// Nodes stand in blocks, so that growing never copies what is there.
struct VersionHistory {
    struct Node {
        var revision: Revision
        var place: Place
        /// Bytes in the log, and whether it is a delete.
        var extent: Extent
        var older: UInt32
    }

    static let none = UInt32.max
    private static let blockCount = 4096

    private var blocks: [[Node]] = []
    private var free = none
    private(set) var count = 0

    subscript(id: UInt32) -> Node {
        get { blocks[Int(id) / Self.blockCount][Int(id) % Self.blockCount] }
        set { blocks[Int(id) / Self.blockCount][Int(id) % Self.blockCount] = newValue }
    }

    mutating func add(_ node: Node) -> UInt32 {
        count += 1
        if free != Self.none {
            let id = free
            free = self[id].older
            self[id] = node
            return id
        }
        if (blocks.last?.count ?? Self.blockCount) == Self.blockCount {
            blocks.append([])
            blocks[blocks.count - 1].reserveCapacity(Self.blockCount)
        }
        blocks[blocks.count - 1].append(node)
        return UInt32((blocks.count - 1) * Self.blockCount + blocks[blocks.count - 1].count - 1)
    }

    mutating func remove(_ id: UInt32) {
        self[id].older = free
        free = id
        count -= 1
    }
}

/// How many bytes a change takes in the log, and whether it is a delete, in 32 bits.
struct Extent: Equatable {
    let bits: UInt32
    init(bits: UInt32) { self.bits = bits }
    init(bytes: Int, isDelete: Bool) {
        bits = UInt32(bytes) | (isDelete ? 0x8000_0000 : 0)
    }
    var bytes: Int { Int(bits & 0x7FFF_FFFF) }
    var isDelete: Bool { bits & 0x8000_0000 != 0 }
}
