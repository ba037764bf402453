import Foundation
import Kubernetes
import Wire

@testable import Rules

/// A registry without a store: what the rules make of requests, one after the other.
struct World {
    /// What a request comes to.
    enum Outcome: Equatable {
        case object(Message)
        case invalid(String)
        case forbidden(String)
        /// A request that the rules alone cannot answer.
        case untried(String)
    }

    static let namespace = "replay-namespace"
    static let uid = "11111111-2222-3333-4444-000000000000"
    static let time = "2024-05-06T07:08:09Z"

    private var objects: [String: Message] = [:]
    private let context = RulesContext(
        now: Timestamp(seconds: 1_714_979_289), uid: World.uid,
        requester: .init(name: "bob", groups: ["system:masters", "system:authenticated"]),
        isTimeZone: { ["UTC", "Etc/UTC", "Europe/Berlin"].contains($0) })

    /// Carries out one step.
    mutating func perform(_ step: Scenario.Step) -> Outcome {
        guard let place = Place(step.path) else { return .untried("another path") }
        guard let body = step.body.map(World.filled) else { return .untried("no body") }
        switch step.method {
        case "POST" where place.subresource == nil: return create(body, place)
        case "PUT": return replace(body, place)
        case "PATCH": return patch(body, step.contentType, place)
        default: return .untried("\(step.method) \(step.contentType)")
        }
    }

    /// Takes over what the server has answered, so that the next step starts from there.
    mutating func learn(_ step: Scenario.Step) {
        guard let answer = step.answer, (200...201).contains(step.status)
        else { return }
        let text = World.concrete(answer)
        guard let object = try? ObjectCodec.decode(Array(text.utf8), .json).object,
            object.type.resource != nil, object.type.kind != "Scale"
        else { return }
        let metadata = Rules.metadata(of: object)
        guard !metadata.name.isEmpty, !metadata.uid.isEmpty, !step.path.contains("dryRun")
        else { return }
        objects[key(object.type, metadata.name, metadata.namespace)] = object
    }

    private func key(_ type: MessageType, _ name: String, _ namespace: String) -> String {
        "\(type.name)/\(namespace)/\(name)"
    }

    // MARK: Requests

    private func create(_ body: String, _ place: Place) -> Outcome {
        guard var object = read(body, place.type) else { return .untried("not decoded") }
        Rules.applyDefaults(to: &object)
        object.modify("metadata") { (metadata: inout MetaV1.ObjectMeta) in
            if metadata.namespace.isEmpty { metadata.namespace = place.namespace }
            if metadata.name.isEmpty, !metadata.generateName.isEmpty {
                metadata.name = metadata.generateName + "abcde"
            }
        }
        if let refusal = admit(&object) { return .forbidden(refusal) }
        Rules.prepareForCreate(&object, context)
        return judged(object, Rules.validate(object, old: nil, context))
    }

    private func replace(_ body: String, _ place: Place) -> Outcome {
        guard let old = objects[key(place.type, place.name, place.namespace)],
            let object = read(body, place.type)
        else { return .untried("nothing to replace") }
        return update(object, old, place)
    }

    private func patch(_ body: String, _ contentType: String, _ place: Place) -> Outcome {
        var issues: [String] = []
        guard let old = objects[key(place.type, place.name, place.namespace)],
            let kind = ObjectPatch.Kind(rawValue: contentType),
            let value = try? Value(yaml: body),
            let patch = try? ObjectPatch(kind, value.json, issues: &issues),
            let object = try? patch.apply(to: old).object
        else { return .untried("nothing to patch") }
        return update(object, old, place)
    }

    private func update(_ changed: Message, _ old: Message, _ place: Place) -> Outcome {
        var object = changed
        Rules.applyDefaults(to: &object)
        object.modify("metadata") { (metadata: inout MetaV1.ObjectMeta) in
            metadata.namespace = place.namespace
            if metadata.resourceVersion.isEmpty { metadata.resourceVersion = "1" }
        }
        Rules.prepareForUpdate(&object, old: old, subresource: place.subresource, context)
        let errors = Rules.validate(object, old: old, subresource: place.subresource, context)
        return judged(object, errors)
    }

    private func read(_ body: String, _ type: MessageType) -> Message? {
        try? ObjectCodec.decode(Array(body.utf8), .yaml, default: type).object
    }

    private func judged(_ object: Message, _ errors: [FieldError]) -> Outcome {
        if errors.isEmpty { return .object(object) }
        return .invalid(Rules.invalidMessage(for: object, errors))
    }

    private func admit(_ object: inout Message) -> String? {
        ObjectAdmission.applyOnCreate(to: &object)
        guard var pod = CoreV1.Pod(object) else { return nil }
        let account = PodAdmission.serviceAccountName(of: pod)
        if !["default", "robot"].contains(account) {
            return PodAdmission.missingServiceAccount(account, namespace: Self.namespace).message
        }
        PodAdmission.applyDefaultTolerations(to: &pod)
        PodAdmission.applyServiceAccount(CoreV1.ServiceAccount(), to: &pod, volumeSuffix: "abcde")
        do throws(PodAdmission.Refusal) {
            try PodAdmission.applyPriority(of: priorityClass(pod.spec.priorityClassName), to: &pod)
        } catch { return error.message }
        object = pod.tree
        return nil
    }

    private func priorityClass(_ name: String) -> SchedulingV1.PriorityClass? {
        if let object = objects[key(SchedulingV1.PriorityClass.messageType, name, "")] {
            return SchedulingV1.PriorityClass(object)
        }
        guard name == "system-cluster-critical" else { return nil }
        return SchedulingV1.PriorityClass {
            $0.metadata.name = name
            $0.value = 2_000_000_000
        }
    }

    // MARK: Placeholders

    static func filled(_ text: String) -> String {
        text.replacingOccurrences(of: "{ns}", with: namespace)
            .replacingOccurrences(of: "{uid}", with: uid)
            .replacingOccurrences(of: "{rv}", with: "1")
    }

    /// A recorded answer with values in the place of placeholders.
    static func concrete(_ answer: Value) -> String {
        var text = filled(String(decoding: answer.json, as: UTF8.self))
        for (placeholder, value) in [
            ("\"\\u003cnodePort\\u003e\"", "31234"), ("\\u003cuid\\u003e", uid),
            ("\\u003ctime\\u003e", time), ("\\u003crv\\u003e", "1"),
            ("\\u003cip\\u003e", "10.0.0.1"), ("\\u003cgenerated\\u003e", "abcde"),
            ("\\u003chash\\u003e", "5d4f8c7b9"),
        ] { text = text.replacingOccurrences(of: placeholder, with: value) }
        return text
    }
}

/// Where in the API a path leads.
struct Place {
    let type: MessageType
    let namespace: String
    let name: String
    let subresource: String?

    init?(_ path: String) {
        let bare = World.filled(path).split(separator: "?").first ?? ""
        var parts = bare.split(separator: "/").map(String.init)
        guard parts.count >= 3 else { return nil }
        let apiVersion = parts[0] == "api" ? parts[1] : "\(parts[1])/\(parts[2])"
        parts.removeFirst(parts[0] == "api" ? 2 : 3)
        if parts.count > 2, parts[0] == "namespaces", parts[2] != "status", parts[2] != "finalize" {
            namespace = parts[1]
            parts.removeFirst(2)
        } else {
            namespace = ""
        }
        guard let resource = parts.first,
            let type = Schema.resourceTypes.first(where: {
                $0.clientAPIVersion == apiVersion && $0.resource?.name == resource
            })
        else { return nil }
        self.type = type
        name = parts.count > 1 ? parts[1] : ""
        subresource = parts.count > 2 ? parts[2] : nil
        if let subresource, type.resource?.subresources.contains(where: {
            $0.name == subresource && $0.kind == type.kind
        }) != true { return nil }
    }
}
