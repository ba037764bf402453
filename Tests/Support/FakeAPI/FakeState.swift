import APIClient
import APIErrors
import Kubernetes
import Wire

/// The objects of a ``FakeAPI`` and what happened to them.
struct FakeState: Sendable {
    struct Key: Hashable, Comparable {
        let type: MessageType
        let key: ObjectKey
        static func < (a: Key, b: Key) -> Bool { a.key < b.key }
    }

    struct Past {
        let revision: UInt64
        let type: MessageType
        let event: WatchEvent
    }

    var log: [String] = []
    var failures: [(verb: String, resource: String, error: APIError)] = []
    private var objects: [Key: Message] = [:]
    private var revision: UInt64 = 100
    private var compacted: UInt64 = 0
    private var history: [Past] = []
    private var watches: [FakeWatch] = []
    private var namesMade = 0

    mutating func takeFailure(_ verb: String, _ address: ResourceAddress) -> APIError? {
        let index = failures.firstIndex {
            $0.verb == verb && $0.resource == address.resource.name
        }
        return index.map { failures.remove(at: $0).error }
    }

    // MARK: Reading

    func object(_ address: ResourceAddress) throws(APIError) -> Message {
        guard let object = objects[key(address)] else { throw missing(address) }
        return object
    }

    func objects(of type: MessageType) -> [Message] {
        objects.filter { $0.key.type === type }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Pages by position, which is honest only while nothing changes between them.
    func list(_ address: ResourceAddress, _ options: ListOptions) -> ObjectList {
        let matching = objects(of: address.type).filter {
            address.covers($0) && options.selection.matches($0)
        }
        let start = options.continuation.flatMap { Int($0) } ?? 0
        let end = min(matching.count, start + (options.limit ?? matching.count))
        return ObjectList(
            items: matching[start..<end].map { StoredObject($0) },
            resourceVersion: ResourceVersion(revision),
            continuation: end < matching.count ? String(end) : nil)
    }

    mutating func watch(
        _ address: ResourceAddress, _ options: WatchOptions
    ) throws(APIError) -> FakeWatch {
        let start = options.resourceVersion?.revision ?? revision
        guard start >= compacted else {
            throw APIError.tooOldResourceVersion(
                requested: Int64(start), oldest: Int64(compacted))
        }
        let watch = FakeWatch(address, options.selection)
        for past in history where past.revision > start && past.type === address.type {
            watch.send(past.event)
        }
        watches.append(watch)
        return watch
    }

    mutating func compact() {
        compacted = revision
        history = []
    }

    mutating func breakWatches() {
        for watch in watches { watch.cancel() }
        watches = []
    }

    // MARK: Writing

    mutating func create(
        _ object: Message, _ address: ResourceAddress, now: Timestamp
    ) throws(APIError) -> Message {
        var object = object
        if object.objectMeta.name.isEmpty {
            namesMade += 1
            object.objectMeta.name = object.objectMeta.generateName + "n\(namesMade)"
        }
        if let namespace = address.namespace { object.objectMeta.namespace = namespace }
        let key = Key(type: object.type, key: ObjectKey(of: object))
        guard objects[key] == nil else {
            let resource = GroupResource(
                group: object.type.group, resource: address.resource.name)
            throw APIError.alreadyExists(resource, object.objectMeta.name)
        }
        object.objectMeta.uid = "uid-\(revision + 1)"
        object.objectMeta.creationTimestamp = now.wholeSeconds
        object.objectMeta.deletionTimestamp = nil
        if object.type.field("spec") != nil { object.objectMeta.generation = 1 }
        return store(object, key, WatchEvent.added)
    }

    mutating func update(
        _ object: Message, _ address: ResourceAddress
    ) throws(APIError) -> Message {
        let old = try self.object(address)
        let wanted = object.objectMeta.resourceVersion
        if !wanted.isEmpty, wanted != old.objectMeta.resourceVersion {
            throw APIError.conflict(groupResource(address), address.name ?? "")
        }
        var new = merged(object, into: old, address.subresource)
        guard new != old else { return old }
        if let spec = new.type.field("spec"), new[spec.number] != old[spec.number],
            new.objectMeta.generation > 0
        {
            new.objectMeta.generation += 1
        }
        if isOver(new) { return remove(new, key(address)) }
        return store(new, key(address), WatchEvent.modified)
    }

    /// The part of `object` that the subresource is about, on top of `old`.
    private func merged(
        _ object: Message, into old: Message, _ subresource: String?
    ) -> Message {
        var new = subresource == nil ? object : old
        if subresource == "status" { new["status"] = object["status"] }
        if subresource == "finalize" { new["spec"] = object["spec"] }
        if subresource == nil, let status = object.type.field("status") {
            new[status.number] = old[status.number]
        }
        let kept = old.objectMeta
        new.objectMeta.uid = kept.uid
        new.objectMeta.resourceVersion = kept.resourceVersion
        new.objectMeta.creationTimestamp = kept.creationTimestamp
        new.objectMeta.deletionTimestamp = kept.deletionTimestamp
        new.objectMeta.generation = kept.generation
        return new
    }

    mutating func bind(_ binding: Message, _ address: ResourceAddress) throws(APIError) -> Message {
        var pod = try object(address)
        guard var view = CoreV1.Pod(pod), let binding = CoreV1.Binding(binding) else {
            throw missing(address)
        }
        view.spec.nodeName = binding.target.name
        pod = view.tree
        return store(pod, key(address), WatchEvent.modified)
    }

    mutating func delete(
        _ address: ResourceAddress, _ options: DeleteOptions, now: Timestamp
    ) throws(APIError) -> Message {
        var object = try object(address)
        let metadata = object.objectMeta
        if let uid = options.uid, uid != metadata.uid {
            throw APIError.conflict(groupResource(address), metadata.name)
        }
        if let wanted = options.resourceVersion, wanted.text != metadata.resourceVersion {
            throw APIError.conflict(groupResource(address), metadata.name)
        }
        switch options.propagation {
        case .orphan: object.addFinalizer("orphan")
        case .foreground: object.addFinalizer("foregroundDeletion")
        case .background, nil: break
        }
        let grace = options.gracePeriodSeconds ?? object.defaultGraceSeconds
        object.objectMeta.deletionGracePeriodSeconds = grace
        object.objectMeta.deletionTimestamp =
            metadata.deletionTimestamp ?? (now + .seconds(grace)).wholeSeconds
        if isOver(object) { return remove(object, key(address)) }
        if object.type === CoreV1.Namespace.messageType, var namespace = CoreV1.Namespace(object) {
            namespace.status.phase = "Terminating"
            object = namespace.tree
        }
        return store(object, key(address), WatchEvent.modified)
    }

    /// Nothing holds the deleted object back any more.
    private func isOver(_ object: Message) -> Bool {
        let metadata = object.objectMeta
        guard metadata.deletionTimestamp != nil, metadata.finalizers.isEmpty,
            metadata.deletionGracePeriodSeconds ?? 0 == 0
        else { return false }
        return CoreV1.Namespace(object)?.spec.finalizers.isEmpty ?? true
    }

    private mutating func store(
        _ object: Message, _ key: Key, _ event: (StoredObject) -> WatchEvent
    ) -> Message {
        var object = object
        revision += 1
        object.objectMeta.resourceVersion = String(revision)
        objects[key] = object
        tell(event(StoredObject(object)), object.type)
        return object
    }

    private mutating func remove(_ object: Message, _ key: Key) -> Message {
        var object = object
        revision += 1
        object.objectMeta.resourceVersion = String(revision)
        objects[key] = nil
        tell(WatchEvent.deleted(StoredObject(object)), object.type)
        return object
    }

    private mutating func tell(_ event: WatchEvent, _ type: MessageType) {
        history.append(Past(revision: revision, type: type, event: event))
        for watch in watches where watch.address.type === type { watch.send(event) }
    }

    private func key(_ address: ResourceAddress) -> Key {
        Key(
            type: address.type,
            key: ObjectKey(namespace: address.namespace ?? "", name: address.name ?? ""))
    }

    private func groupResource(_ address: ResourceAddress) -> GroupResource {
        GroupResource(group: address.type.group, resource: address.resource.name)
    }

    private func missing(_ address: ResourceAddress) -> APIError {
        APIError.notFound(groupResource(address), address.name ?? "")
    }
}

extension Message {
    fileprivate mutating func addFinalizer(_ name: String) {
        guard !objectMeta.finalizers.contains(name) else { return }
        objectMeta.finalizers.append(name)
    }

    /// Seconds that a pod on a node is given to end.
    fileprivate var defaultGraceSeconds: Int {
        guard let pod = CoreV1.Pod(self), !pod.spec.nodeName.isEmpty,
            pod.status.phase != "Succeeded", pod.status.phase != "Failed"
        else { return 0 }
        return pod.spec.terminationGracePeriodSeconds ?? 30
    }
}
