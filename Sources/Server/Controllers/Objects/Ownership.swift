import APIClient
import Kubernetes
import Wire

extension MetaV1.ObjectMeta {
    /// The owner that controls the object.
    var controllerReference: MetaV1.OwnerReference? {
        ownerReferences.first { $0.controller == true }
    }

    var isBeingDeleted: Bool { deletionTimestamp != nil }
}

extension MetaV1.OwnerReference {
    /// A reference to the object that controls another.
    init(controller owner: Message) {
        let metadata = owner.objectMeta
        self.init {
            $0.apiVersion = owner.type.apiVersion
            $0.kind = owner.type.kind
            $0.name = metadata.name
            $0.uid = metadata.uid
            $0.controller = true
            $0.blockOwnerDeletion = true
        }
    }
}

/// Which objects are an owner's, by what they say and by what it selects.
struct Claim<Object: MessageView>: Sendable {
    /// Selected, and controlled by the owner, now or after ``writes``.
    var owned: [Object] = []
    /// Adoptions of selected objects that nobody controls, and releases of those that are not
    /// selected any more.
    var writes: [Write] = []

    /// - Parameters:
    ///   - controlled: Objects that name `owner` as their controller.
    ///   - orphans: Objects of the namespace that name none.
    init(
        of owner: Message, selector: LabelSelector, controlled: [Object], orphans: [Object]
    ) {
        let isOwnerGoing = owner.objectMeta.isBeingDeleted
        for object in controlled {
            if selector.matches(object.tree.objectMeta.labels) {
                owned.append(object)
            } else if !isOwnerGoing {
                release(object, from: owner)
            }
        }
        guard !isOwnerGoing else { return }
        for object in orphans {
            let metadata = object.tree.objectMeta
            guard selector.matches(metadata.labels), !metadata.isBeingDeleted else { continue }
            adopt(object, by: owner)
        }
    }

    private mutating func adopt(_ object: Object, by owner: Message) {
        var object = object
        object.tree.objectMeta.ownerReferences.append(MetaV1.OwnerReference(controller: owner))
        owned.append(object)
        writes.append(.setOwners(object.tree))
    }

    private mutating func release(_ object: Object, from owner: Message) {
        var tree = object.tree
        tree.objectMeta.ownerReferences.removeAll { $0.uid == owner.objectMeta.uid }
        writes.append(.setOwners(tree))
    }
}

extension Patch {
    /// A patch that sets the owners of `object` as they stand in it, if it has not changed.
    init(ownersOf object: Message) {
        let metadata = object.objectMeta
        let owners = metadata.ownerReferences.map { owner in
            String(decoding: ObjectCodec.encode(owner.tree, .json), as: UTF8.self)
        }
        self.init(
            .merge, json: """
                {"metadata":{"resourceVersion":"\(metadata.resourceVersion)",\
                "ownerReferences":[\(owners.joined(separator: ","))]}}
                """)
    }
}
