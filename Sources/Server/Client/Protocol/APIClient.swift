public import APIErrors
public import Wire

/// A client of a Kubernetes API, whichever way it gets there: through the process's own request
/// path or over HTTPS. It acts under one identity, and every call is authenticated, authorized
/// and admitted like anybody's.
///
/// Objects are trees (``Wire/Message``) on the way in and out of single calls, and
/// ``StoredObject``s in lists and watches, so that who only keeps them need not decode them.
/// The typed calls of the extension (`client.get(CoreV1.Pod.self, ...)`) are for those who know
/// the kind.
///
/// All calls throw an ``APIError``: the Status of the server's answer, or one of code 0 if there
/// was no answer. A cancelled task makes them throw soon.
public protocol APIClient: Sendable {
    /// The object at `address`, which has a name.
    func get(_ address: ResourceAddress) async throws(APIError) -> Message

    /// The objects of a resource, in one namespace or in all.
    func list(
        _ address: ResourceAddress, _ options: ListOptions
    ) async throws(APIError) -> ObjectList

    /// The changes of a resource from a revision on. Returns when the server has accepted.
    func watch(
        _ address: ResourceAddress, _ options: WatchOptions
    ) async throws(APIError) -> any WatchStream

    /// Creates `object` and returns what the server made of it.
    ///
    /// With a subresource (`binding`, `eviction`, `token`), `object` is of the subresource's kind
    /// and the address has a name.
    func create(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message

    /// Replaces the object at `address`, if its resourceVersion is still `object`'s (409 if not)
    /// or `object` has none.
    func update(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message

    /// Changes the object at `address` by a patch.
    func patch(
        _ address: ResourceAddress, _ patch: Patch, _ options: WriteOptions
    ) async throws(APIError) -> Message

    /// Deletes the object at `address`. Returns the object if it stays for now (finalizers,
    /// grace period), else the object as it was, or a Status.
    func delete(
        _ address: ResourceAddress, _ options: DeleteOptions
    ) async throws(APIError) -> Message

    /// Deletes all objects of a resource that match `selection`.
    func deleteCollection(
        _ address: ResourceAddress, _ options: DeleteOptions, _ selection: ListOptions
    ) async throws(APIError)
}

/// A watch, pulled by one reader. Letting go of it ends it.
public protocol WatchStream: Sendable {
    /// The next event, or nil when the server ended the watch, the connection broke,
    /// ``cancel()`` was called or the task was cancelled. One call at a time.
    func next() async -> WatchEvent?

    /// Ends the watch. May be called from anywhere, at any time.
    func cancel()
}

/// One change, as a watch tells it.
public enum WatchEvent: Sendable {
    case added(StoredObject)
    case modified(StoredObject)
    /// The object as it was last, with the revision of its deletion.
    case deleted(StoredObject)
    /// All changes up to this revision have been sent. `endsInitialEvents` is true once, when
    /// ``WatchOptions/sendInitialEvents`` asked for the state before the changes.
    case bookmark(ResourceVersion, endsInitialEvents: Bool)
    /// The watch is over; 410 says that the revision asked for is no longer kept: list again.
    case error(APIError)
}
