import APIClient
import Kubernetes
import Wire

/// A watch of a ``FakeAPI``: what was sent waits until it is read.
final class FakeWatch: WatchStream {
    let address: ResourceAddress
    private let selection: Selection
    private let feed: AsyncStream<WatchEvent>.Continuation
    private let events: AsyncStream<WatchEvent>

    init(_ address: ResourceAddress, _ selection: Selection) {
        self.address = address
        self.selection = selection
        (events, feed) = AsyncStream.makeStream()
    }

    /// Sends what the watch is about. An object that leaves the selection looks deleted.
    func send(_ event: WatchEvent) {
        switch event {
        case .added(let object), .modified(let object):
            guard let tree = try? object.tree(), address.covers(tree) else { return }
            feed.yield(selection.matches(tree) ? event : .deleted(object))
        case .deleted(let object):
            guard let tree = try? object.tree(), address.covers(tree) else { return }
            feed.yield(event)
        case .bookmark, .error: feed.yield(event)
        }
    }

    func next() async -> WatchEvent? {
        for await event in events { return event }
        return nil
    }

    func cancel() { feed.finish() }
}

extension ResourceAddress {
    /// Whether a list here has `object`.
    func covers(_ object: Message) -> Bool {
        object.type === type && (namespace == nil || namespace == object.objectMeta.namespace)
    }
}

extension Selection {
    /// Knows `key=value` and `key!=value`, of labels and of a few fields.
    func matches(_ object: Message) -> Bool {
        matches(labels) { object.objectMeta.labels[$0] ?? "" }
            && matches(fields) { field in
                switch field {
                case "metadata.name": object.objectMeta.name
                case "metadata.namespace": object.objectMeta.namespace
                case "spec.nodeName": CoreV1.Pod(object)?.spec.nodeName ?? ""
                default: preconditionFailure("the fake API selects by no field \(field)")
                }
            }
    }

    private func matches(_ selector: String, _ value: (String) -> String) -> Bool {
        selector.split(separator: ",").allSatisfy { term in
            let parts = term.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            precondition(parts.count == 2, "the fake API reads no selector \(term)")
            let isNegated = parts[0].hasSuffix("!")
            let actual = value(String(isNegated ? parts[0].dropLast() : parts[0]))
            return (actual == parts[1]) != isNegated
        }
    }
}
