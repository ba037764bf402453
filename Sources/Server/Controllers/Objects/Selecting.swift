import APIClient
import Kubernetes
import Wire

/// Finding who selects an object, and what somebody selects, without looking at all of them: by
/// one `key=value` that the selector demands. Selectors that demand none are found under `*`.
struct SelectorKey: Hashable, Sendable {
    /// `namespace/key=value`
    let text: String

    private init(_ namespace: String, _ pair: String) { text = "\(namespace)/\(pair)" }

    /// What a selector is found under: the first of its pairs.
    init(_ namespace: String, selector: [String: String]) {
        let first = selector.min { $0.key < $1.key }
        self.init(namespace, first.map { "\($0.key)=\($0.value)" } ?? "*")
    }

    /// Where selectors are found that may select an object.
    static func all(of object: Message) -> [SelectorKey] {
        let metadata = object.objectMeta
        let pairs = metadata.labels.map { "\($0.key)=\($0.value)" }
        return (pairs + ["*"]).map { SelectorKey(metadata.namespace, $0) }
    }
}

extension ObjectIndex {
    /// Services, replica sets and deployments by what they select.
    static let selector = ObjectIndex("selector") { object in
        guard let selector = object.demandedLabels else { return [] }
        return [SelectorKey(object.objectMeta.namespace, selector: selector).text]
    }

    /// Objects by each of their labels.
    static let label = ObjectIndex("label") { object in SelectorKey.all(of: object).map(\.text) }

    /// Objects that nobody controls, by each of their labels.
    static let uncontrolledLabel = ObjectIndex("uncontrolled-label") { object in
        let isControlled = object.objectMeta.controllerReference != nil
        return isControlled ? [] : SelectorKey.all(of: object).map(\.text)
    }
}

extension Message {
    /// Labels that all objects have which this one selects; nil if it selects none.
    fileprivate var demandedLabels: [String: String]? {
        if let service = CoreV1.Service(self) {
            return service.selectsPods ? service.spec.selector : nil
        }
        let selector = AppsV1.ReplicaSet(self)?.spec.selector
            ?? AppsV1.Deployment(self)?.spec.selector
        return selector?.matchLabels
    }
}

extension Informer {
    /// Objects that may select `object`; needs ``APIClient/ObjectIndex/selector``.
    func candidates<Kind: MessageView>(_ kind: Kind.Type, selecting object: Message) -> [Kind] {
        SelectorKey.all(of: object).flatMap { views(kind, .selector, $0.text) }
    }
}
