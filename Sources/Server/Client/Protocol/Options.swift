/// Which objects a list or a watch is about. Empty selects all.
public struct Selection: Hashable, Sendable {
    /// `app=web,tier in (front,back)`
    public var labels: String
    /// `spec.nodeName=n1,status.phase!=Failed`
    public var fields: String

    public init(labels: String = "", fields: String = "") {
        self.labels = labels
        self.fields = fields
    }
}

public struct ListOptions: Sendable {
    public var selection: Selection
    /// Objects a page; nil for all in one.
    public var limit: Int?
    /// ``ObjectList/continuation`` of the page before.
    public var continuation: String?
    /// Nil asks for the newest state.
    public var resourceVersion: ResourceVersion?
    /// `resourceVersion` is exactly wanted; else it is the least.
    public var isExact: Bool

    public init(
        selection: Selection = Selection(), limit: Int? = nil, continuation: String? = nil,
        resourceVersion: ResourceVersion? = nil, isExact: Bool = false
    ) {
        self.selection = selection
        self.limit = limit
        self.continuation = continuation
        self.resourceVersion = resourceVersion
        self.isExact = isExact
    }
}

public struct WatchOptions: Sendable {
    public var selection: Selection
    /// Changes after this revision are sent. Nil starts with the state as it is now.
    public var resourceVersion: ResourceVersion?
    /// Send bookmarks now and then.
    public var allowBookmarks: Bool
    /// Begin with the objects that are there, as `.added`, up to a bookmark that says so.
    public var sendInitialEvents: Bool

    public init(
        selection: Selection = Selection(), resourceVersion: ResourceVersion? = nil,
        allowBookmarks: Bool = true, sendInitialEvents: Bool = false
    ) {
        self.selection = selection
        self.resourceVersion = resourceVersion
        self.allowBookmarks = allowBookmarks
        self.sendInitialEvents = sendInitialEvents
    }
}

public struct WriteOptions: Sendable {
    /// Do everything but the write.
    public var isDryRun: Bool
    /// Who is said to have written the fields; nil lets the server say.
    public var fieldManager: String?
    /// For ``Patch/Kind/apply``: take fields that others own.
    public var force: Bool

    public init(isDryRun: Bool = false, fieldManager: String? = nil, force: Bool = false) {
        self.isDryRun = isDryRun
        self.fieldManager = fieldManager
        self.force = force
    }
}

public struct DeleteOptions: Sendable {
    /// What becomes of the objects that the deleted one owns.
    public enum Propagation: String, Sendable {
        case orphan = "Orphan"
        case background = "Background"
        case foreground = "Foreground"
    }

    /// Delete only the object of this uid (409 if it is another).
    public var uid: String?
    /// Delete only if it is unchanged since (409 if it is not).
    public var resourceVersion: ResourceVersion?
    /// Nil for what the resource does by itself.
    public var propagation: Propagation?
    /// Seconds; nil for the object's own, 0 deletes at once.
    public var gracePeriodSeconds: Int?
    public var isDryRun: Bool

    public init(
        uid: String? = nil, resourceVersion: ResourceVersion? = nil,
        propagation: Propagation? = nil, gracePeriodSeconds: Int? = nil, isDryRun: Bool = false
    ) {
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.propagation = propagation
        self.gracePeriodSeconds = gracePeriodSeconds
        self.isDryRun = isDryRun
    }
}

/// A change to an object, as bytes.
public struct Patch: Hashable, Sendable {
    /// Raw values are the media types.
    public enum Kind: String, Sendable {
        case merge = "application/merge-patch+json"
        case strategic = "application/strategic-merge-patch+json"
        case json = "application/json-patch+json"
        /// Server-side apply; JSON is YAML too.
        case apply = "application/apply-patch+yaml"
    }

    public var kind: Kind
    public var body: [UInt8]

    public init(_ kind: Kind, body: [UInt8]) {
        self.kind = kind
        self.body = body
    }

    /// A patch written as JSON text.
    public init(_ kind: Kind, json: String) { self.init(kind, body: Array(json.utf8)) }
}
