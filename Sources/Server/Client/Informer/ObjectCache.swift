import APIErrors
import Wire

/// The objects of a resource as a list and the watch after it told them, with indexes.
///
/// Objects are kept as bytes, and become trees when they are asked for.
/// Holds as many objects as the resource has: its bound is the server's.
struct ObjectCache: Sendable {
    private typealias Slot = Int32

    private var slots: [StoredObject?] = []
    private var free: [Slot] = []
    private var byKey: [ObjectKey: Slot] = [:]
    private var byIndex: [ObjectIndex: [String: Set<Slot>]] = [:]
    /// Newest revision that is in here.
    private(set) var revision = ResourceVersion(0)

    var count: Int { byKey.count }
    var keys: [ObjectKey] { Array(byKey.keys) }

    /// Also keeps `index`, over what is there already too.
    mutating func add(_ index: ObjectIndex) {
        guard byIndex[index] == nil else { return }
        byIndex[index] = [:]
        for slot in byKey.values {
            guard let object = slots[Int(slot)] else { continue }
            for value in index.values(known(object)) {
                byIndex[index, default: [:]][value, default: []].insert(slot)
            }
        }
    }

    func contains(_ key: ObjectKey) -> Bool { byKey[key] != nil }

    func object(_ key: ObjectKey) -> Message? {
        byKey[key].flatMap { slots[Int($0)] }.map(known)
    }

    func objects() -> [Message] { slots.compactMap { $0 }.map(known) }

    /// The objects under `value`, in no order.
    func objects(_ index: ObjectIndex, _ value: String) -> [Message] {
        guard let values = byIndex[index] else {
            preconditionFailure("no index \(index.name) here")
        }
        return (values[value] ?? []).compactMap { slots[Int($0)] }.map(known)
    }

    /// Takes in one object. Returns what changed, if anything did.
    ///
    /// - Throws: an ``APIError`` if the bytes are no object.
    mutating func put(_ object: StoredObject) throws(APIError) -> ObjectChange? {
        let tree = try object.tree()
        revision = max(revision, object.resourceVersion)
        let key = ObjectKey(of: tree)
        guard let slot = byKey[key], let stored = slots[Int(slot)] else {
            insert(object, tree, key)
            return ObjectChange(old: nil, new: tree)
        }
        guard stored.resourceVersion < object.resourceVersion else { return nil }
        let old = known(stored)
        unlist(old, slot)
        slots[Int(slot)] = object.packed
        list(tree, slot)
        return ObjectChange(old: old, new: tree)
    }

    /// Forgets the object that `last` is the last state of. Returns what changed, if anything did.
    mutating func remove(_ last: StoredObject) throws(APIError) -> ObjectChange? {
        let tree = try last.tree()
        revision = max(revision, last.resourceVersion)
        return remove(ObjectKey(of: tree)).map { _ in ObjectChange(old: tree, new: nil) }
    }

    /// Takes in a whole list: what is not in it is gone. Returns what changed.
    mutating func replace(
        with objects: [StoredObject], at listed: ResourceVersion
    ) throws(APIError) -> [ObjectChange] {
        var gone = Set(byKey.keys)
        var changes: [ObjectChange] = []
        for object in objects {
            gone.remove(ObjectKey(try object.metadata()))
            if let change = try put(object) { changes.append(change) }
        }
        for key in gone {
            if let old = remove(key) { changes.append(ObjectChange(old: old, new: nil)) }
        }
        revision = max(revision, listed)
        return changes
    }

    /// All changes up to `bookmark` have been told.
    mutating func advance(to bookmark: ResourceVersion) { revision = max(revision, bookmark) }

    private mutating func insert(_ object: StoredObject, _ tree: Message, _ key: ObjectKey) {
        let slot = free.popLast() ?? Slot(slots.count)
        if Int(slot) == slots.count { slots.append(nil) }
        slots[Int(slot)] = object.packed
        byKey[key] = slot
        list(tree, slot)
    }

    private mutating func remove(_ key: ObjectKey) -> Message? {
        guard let slot = byKey.removeValue(forKey: key), let stored = slots[Int(slot)] else {
            return nil
        }
        let old = known(stored)
        unlist(old, slot)
        slots[Int(slot)] = nil
        free.append(slot)
        return old
    }

    private mutating func list(_ tree: Message, _ slot: Slot) {
        for index in byIndex.keys {
            for value in index.values(tree) {
                byIndex[index]?[value, default: []].insert(slot)
            }
        }
    }

    private mutating func unlist(_ tree: Message, _ slot: Slot) {
        for index in byIndex.keys {
            for value in index.values(tree) {
                byIndex[index]?[value]?.remove(slot)
                if byIndex[index]?[value]?.isEmpty == true { byIndex[index]?[value] = nil }
            }
        }
    }

    /// The tree of an object that was decoded once before.
    private func known(_ object: StoredObject) -> Message {
        do { return try object.tree() } catch {
            preconditionFailure("bytes that were an object are none: \(error)")
        }
    }
}
