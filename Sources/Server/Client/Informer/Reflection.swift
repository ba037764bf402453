import APIErrors
/// How a copy of a resource is kept: list, then watch from there; list again when the watch can't
/// go on. Says what to do next; knows no client and no clock.
public struct Reflection: Sendable {
    enum Input: Sendable {
        case started
        case page(ObjectList)
        case listFailed(APIError)
        case watching
        case watchFailed(APIError)
        case event(WatchEvent)
        case watchEnded
        case waited
    }

    enum Action: Sendable {
        case list(ListOptions)
        case watch(WatchOptions)
        /// Ask the watch for its next event.
        case read
        case wait(Duration)
    }

    /// What the input means for the copy.
    public enum Effect: Sendable {
        /// A part of a list: these objects are there. What no page of the list had, from the first
        /// to the one that completes it, is gone.
        case page([StoredObject], isFirst: Bool, completesAt: ResourceVersion?)
        case put(StoredObject)
        case remove(StoredObject)
        case advance(ResourceVersion)
    }

    static let pageSize = 500
    static let backoffFirst = Duration.milliseconds(800)
    static let backoffMax = Duration.seconds(30)

    private let selection: Selection
    /// Pages of a list have been taken, and there are more.
    private var isListing = false
    /// Nil until a list is complete, and when it must be made again.
    private var position: ResourceVersion?
    private var failures = 0
    private var hasReadEvent = false

    init(_ selection: Selection = Selection()) { self.selection = selection }

    mutating func step(_ input: Input) -> (effect: Effect?, next: Action) {
        switch input {
        case .started, .waited: (nil, resume())
        case .page(let list): take(list)
        case .listFailed(let error): (nil, restart(after: error))
        case .watching: (nil, .read)
        case .watchFailed(let error): (nil, restart(after: error))
        case .event(.error(let error)): (nil, restart(after: error))
        case .event(let event): take(event)
        case .watchEnded: (nil, watchAgain())
        }
    }

    /// The copy could not take in what the server sent: start over.
    mutating func reject() -> Action {
        (position, isListing) = (nil, false)
        return pause()
    }

    private func resume() -> Action {
        guard let position else {
            return .list(ListOptions(selection: selection, limit: Reflection.pageSize))
        }
        return .watch(WatchOptions(selection: selection, resourceVersion: position))
    }

    private mutating func take(_ list: ObjectList) -> (Effect?, Action) {
        let isFirst = !isListing
        isListing = list.continuation != nil
        let revision = isListing ? nil : list.resourceVersion
        let effect = Effect.page(list.items, isFirst: isFirst, completesAt: revision)
        guard let token = list.continuation else {
            position = revision
            return (effect, resume())
        }
        let options = ListOptions(
            selection: selection, limit: Reflection.pageSize, continuation: token)
        return (effect, .list(options))
    }

    private mutating func take(_ event: WatchEvent) -> (Effect?, Action) {
        (failures, hasReadEvent) = (0, true)
        switch event {
        case .added(let object), .modified(let object):
            position = object.resourceVersion
            return (.put(object), .read)
        case .deleted(let object):
            position = object.resourceVersion
            return (.remove(object), .read)
        case .bookmark(let revision, _):
            position = revision
            return (.advance(revision), .read)
        case .error: preconditionFailure("handled by step")
        }
    }

    private mutating func restart(after error: APIError) -> Action {
        isListing = false
        guard error.isExpired else { return pause() }
        position = nil
        if failures > 0 { return pause() }
        failures += 1
        return resume()
    }

    /// A watch that told something may be asked for again at once.
    private mutating func watchAgain() -> Action {
        defer { hasReadEvent = false }
        return hasReadEvent ? resume() : pause()
    }

    private mutating func pause() -> Action {
        failures += 1
        let doublings = min(failures - 1, 10)
        return .wait(min(Reflection.backoffFirst * (1 << doublings), Reflection.backoffMax))
    }
}
