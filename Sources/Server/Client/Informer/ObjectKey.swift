public import Kubernetes
public import Wire

/// Namespace and name of an object, within one resource.
public struct ObjectKey: Hashable, Sendable, Comparable {
    /// Empty for cluster-scoped objects.
    public let namespace: String
    public let name: String

    public init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    public init(of object: Message) { self.init(object.objectMeta) }

    public init(_ metadata: MetaV1.ObjectMeta) {
        self.init(namespace: metadata.namespace, name: metadata.name)
    }

    public static func < (a: Self, b: Self) -> Bool {
        (a.namespace, a.name) < (b.namespace, b.name)
    }
}

extension ObjectKey: CustomStringConvertible {
    /// `default/web`, as Kubernetes' log lines have it.
    public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}

/// What became of one object. At least one of both is there.
public struct ObjectChange: Sendable {
    /// Nil if the object is new.
    public let old: Message?
    /// Nil if the object is gone.
    public let new: Message?

    public init(old: Message?, new: Message?) {
        precondition(old != nil || new != nil, "a change of nothing")
        self.old = old
        self.new = new
    }

    /// The object as it is, or as it was last.
    public var object: Message {
        guard let object = new ?? old else { preconditionFailure("checked by init") }
        return object
    }

    public var key: ObjectKey { ObjectKey(of: object) }
}

/// A way to find objects: under each of the values that it gives for them.
public struct ObjectIndex: Hashable, Sendable {
    public let name: String
    public let values: @Sendable (Message) -> [String]

    public init(_ name: String, values: @escaping @Sendable (Message) -> [String]) {
        self.name = name
        self.values = values
    }

    public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    public static let namespace = ObjectIndex("namespace") { [$0.objectMeta.namespace] }

    /// By the uid of the owner that controls it.
    public static let controller = ObjectIndex("controller") { object in
        object.objectMeta.ownerReferences.filter { $0.controller == true }.map(\.uid)
    }

    /// Objects of a namespace that nobody controls.
    public static let uncontrolled = ObjectIndex("uncontrolled") { object in
        let metadata = object.objectMeta
        let isControlled = metadata.ownerReferences.contains { $0.controller == true }
        return isControlled ? [] : [metadata.namespace]
    }

    /// Pods by the node they are bound to.
    public static let node = ObjectIndex("node") { object in
        let node = CoreV1.Pod(object)?.spec.nodeName ?? ""
        return node.isEmpty ? [] : [node]
    }
}
