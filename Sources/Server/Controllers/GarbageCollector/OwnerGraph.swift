import APIClient
import Kubernetes
import Wire

/// Who owns whom in the cluster: every object that can be listed, by its uid. Knows no client.
///
/// Grows with the number of objects in the cluster, about 400 bytes each.
struct OwnerGraph: Sendable {
    /// An object, and what matters of it.
    struct Node: Sendable {
        let type: MessageType
        let key: ObjectKey
        var resourceVersion: ResourceVersion
        var owners: [MetaV1.OwnerReference]
        var isBeingDeleted: Bool
        /// Waits until what it owns is gone.
        var isDeletedInForeground: Bool
        /// Waits until what it owns is free of it.
        var isLeavingOrphans: Bool
    }

    /// Something to look into.
    enum Task: Hashable, Sendable {
        /// Whether the object of this uid should be deleted.
        case examine(String)
        /// The object of this uid wants to leave orphans.
        case orphan(String)
    }

    private var nodes: [String: Node] = [:]
    private var dependents: [String: Set<String>] = [:]
    private var uidsByType: [MessageType: Set<String>] = [:]
    /// Of the types that are being listed, what their lists have not had yet.
    private var unlisted: [MessageType: Set<String>] = [:]
    /// Uids that are known to be gone.
    private var gone = RecentSet(countMax: 4096)

    var count: Int { nodes.count }

    func node(_ uid: String) -> Node? { nodes[uid] }
    func dependents(of uid: String) -> Set<String> { dependents[uid] ?? [] }
    func isGone(_ uid: String) -> Bool { gone.contains(uid) }

    /// Remembers that no object has this uid, and what has to be looked into for that.
    mutating func noteGone(_ uid: String) { gone.insert(uid) }

    /// Takes in an object as it is now.
    mutating func put(_ type: MessageType, _ metadata: MetaV1.ObjectMeta) -> [Task] {
        let uid = metadata.uid
        let node = Node(type, metadata)
        unlisted[type]?.remove(uid)
        let before = nodes[uid]
        if let before, before.resourceVersion >= node.resourceVersion { return [] }
        nodes[uid] = node
        uidsByType[node.type, default: []].insert(uid)
        for owner in before?.owners ?? [] { unlink(uid, from: owner.uid) }
        for owner in node.owners { dependents[owner.uid, default: []].insert(uid) }
        return tasks(uid, before, node)
    }

    private func tasks(_ uid: String, _ before: Node?, _ node: Node) -> [Task] {
        var tasks: [Task] = []
        if node.isLeavingOrphans { tasks.append(.orphan(uid)) }
        if node.isDeletedInForeground {
            tasks += dependents(of: uid).map(Task.examine)
            tasks.append(.examine(uid))
        } else if !node.owners.isEmpty, !node.isBeingDeleted {
            tasks.append(.examine(uid))
        }
        // Owners that wait for this one may not have to any more.
        for owner in before?.owners ?? [] where nodes[owner.uid]?.isDeletedInForeground == true {
            tasks.append(.examine(owner.uid))
        }
        return tasks
    }

    /// Takes in that an object is gone.
    mutating func remove(_ uid: String) -> [Task] {
        gone.insert(uid)
        guard let node = nodes.removeValue(forKey: uid) else { return [] }
        uidsByType[node.type]?.remove(uid)
        var tasks = dependents(of: uid).map(Task.examine)
        for owner in node.owners {
            unlink(uid, from: owner.uid)
            if nodes[owner.uid]?.isDeletedInForeground == true {
                tasks.append(.examine(owner.uid))
            }
        }
        return tasks
    }

    /// A list of a type begins, whose objects are put.
    mutating func beginList(of type: MessageType) { unlisted[type] = uidsByType[type] ?? [] }

    /// A list of a type is complete: what it did not have is gone.
    mutating func endList(of type: MessageType) -> [Task] {
        (unlisted.removeValue(forKey: type) ?? []).flatMap { remove($0) }
    }

    private mutating func unlink(_ uid: String, from owner: String) {
        dependents[owner]?.remove(uid)
        if dependents[owner]?.isEmpty == true { dependents[owner] = nil }
    }
}

extension OwnerGraph.Node {
    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"

    init(_ type: MessageType, _ metadata: MetaV1.ObjectMeta) {
        self.type = type
        key = ObjectKey(metadata)
        resourceVersion = ResourceVersion(metadata.resourceVersion) ?? ResourceVersion(0)
        owners = metadata.ownerReferences
        isBeingDeleted = metadata.isBeingDeleted
        isDeletedInForeground = isBeingDeleted && metadata.finalizers.contains(Self.foreground)
        isLeavingOrphans = isBeingDeleted && metadata.finalizers.contains(Self.orphan)
    }
}

/// A set that forgets its oldest elements.
struct RecentSet: Sendable {
    private let countMax: Int
    private var members: Set<String> = []
    private var order: [String] = []
    private var oldest = 0

    init(countMax: Int) { self.countMax = countMax }

    func contains(_ member: String) -> Bool { members.contains(member) }

    mutating func insert(_ member: String) {
        guard members.insert(member).inserted else { return }
        if order.count < countMax { return order.append(member) }
        members.remove(order[oldest])
        order[oldest] = member
        oldest = (oldest + 1) % countMax
    }
}
