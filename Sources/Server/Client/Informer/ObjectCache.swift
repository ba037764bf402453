import APIErrors
import Wire

/// The objects of a resource as a list and the watch after it told them, with indexes.
///
/// Objects are kept as bytes, and handed out so: who wants a tree decodes it, outside of locks.
/// Holds as many objects as the resource has: its bound is the server's.
struct ObjectCache: Sendable {
    private typealias Slot = Int32

    /// Which slots an index finds under each value.
    private struct Register: Sendable {
        let index: ObjectIndex
        var slots: [String: Set<Slot>] = [:]

        mutating func enter(_ tree: Message, _ slot: Slot) {
            for value in index.values(tree) { slots[value, default: []].insert(slot) }
        }

        mutating func strike(_ tree: Message, _ slot: Slot) {
            for value in index.values(tree) {
                slots[value]?.remove(slot)
                if slots[value]?.isEmpty == true { slots[value] = nil }
            }
        }
    }

    private var slots: [StoredObject?] = []
    private var free: [Slot] = []
    private var byKey: [ObjectKey: Slot] = [:]
    private var registers: [Register] = []
    /// Objects that the list which is being taken in has not had yet.
    private var unlisted: Set<ObjectKey> = []
    /// Newest revision that is in here.
    private(set) var revision = ResourceVersion(0)

    var count: Int { byKey.count }
    var keys: [ObjectKey] { Array(byKey.keys) }

    /// Also keeps `index`, over what is there already too.
    mutating func add(_ index: ObjectIndex) {
        guard !registers.contains(where: { $0.index == index }) else { return }
        var register = Register(index: index)
        for slot in byKey.values {
            if let object = slots[Int(slot)] { register.enter(object.knownTree, slot) }
        }
        registers.append(register)
    }

    func contains(_ key: ObjectKey) -> Bool { byKey[key] != nil }

    func object(_ key: ObjectKey) -> StoredObject? { byKey[key].flatMap { slots[Int($0)] } }

    func objects() -> [StoredObject] { slots.compactMap { $0 } }

    /// The objects under `value`, in no order.
    func objects(_ index: ObjectIndex, _ value: String) -> [StoredObject] {
        guard let register = registers.first(where: { $0.index == index }) else {
            preconditionFailure("no index \(index.name) here")
        }
        return (register.slots[value] ?? []).compactMap { slots[Int($0)] }
    }

    /// Takes in one object. Returns what changed, if anything did.
    ///
    /// - Throws: an ``APIError`` if the bytes are no object.
    mutating func put(_ object: StoredObject) throws(APIError) -> ObjectChange? {
        let change = try enter(object)
        revision = max(revision, object.resourceVersion)
        return change
    }

    /// Forgets the object that `last` is the last state of. Returns what changed, if anything did.
    mutating func remove(_ last: StoredObject) throws(APIError) -> ObjectChange? {
        let tree = try last.tree()
        revision = max(revision, last.resourceVersion)
        return remove(ObjectKey(of: tree)).map { _ in ObjectChange(old: tree, new: nil) }
    }

    /// All changes up to `bookmark` have been told.
    mutating func advance(to bookmark: ResourceVersion) { revision = max(revision, bookmark) }
}

// MARK: Lists

extension ObjectCache {
    /// A list begins, whose objects come by ``put(listed:)``.
    mutating func beginList() { unlisted = Set(byKey.keys) }

    /// Takes in an object of a list. Until the list is complete, ``revision`` is not one of the
    /// list's: others of its objects are still to come.
    mutating func put(listed object: StoredObject) throws(APIError) -> ObjectChange? {
        try enter(object)
    }

    /// The next object that a list, now complete, did not have, taken out; nil if there is none.
    mutating func removeUnlisted() -> ObjectChange? {
        while let key = unlisted.popFirst() {
            if let old = remove(key) { return ObjectChange(old: old, new: nil) }
        }
        return nil
    }
}

// MARK: Slots

extension ObjectCache {
    private mutating func enter(_ object: StoredObject) throws(APIError) -> ObjectChange? {
        let tree = try object.tree()
        let key = ObjectKey(of: tree)
        unlisted.remove(key)
        guard let slot = byKey[key], let stored = slots[Int(slot)] else {
            insert(object, tree, key)
            return ObjectChange(old: nil, new: tree)
        }
        guard stored.resourceVersion < object.resourceVersion else { return nil }
        let old = stored.knownTree
        for place in registers.indices {
            registers[place].strike(old, slot)
            registers[place].enter(tree, slot)
        }
        slots[Int(slot)] = object.packed
        return ObjectChange(old: old, new: tree)
    }

    private mutating func insert(_ object: StoredObject, _ tree: Message, _ key: ObjectKey) {
        let slot = free.popLast() ?? Slot(slots.count)
        if Int(slot) == slots.count { slots.append(nil) }
        slots[Int(slot)] = object.packed
        byKey[key] = slot
        for place in registers.indices { registers[place].enter(tree, slot) }
    }

    private mutating func remove(_ key: ObjectKey) -> Message? {
        guard let slot = byKey.removeValue(forKey: key), let stored = slots[Int(slot)] else {
            return nil
        }
        let old = stored.knownTree
        for place in registers.indices { registers[place].strike(old, slot) }
        slots[Int(slot)] = nil
        free.append(slot)
        return old
    }
}

extension StoredObject {
    /// The tree of an object that was decoded once before.
    var knownTree: Message {
        do { return try tree() } catch {
            preconditionFailure("bytes that were an object are none: \(error)")
        }
    }
}
