import APIClient
import APIErrors
import Kubernetes
import Wire

/// Carries out writes, announces them, and waits until the copies show them, so that the next
/// decision sees what this one did.
struct Writer: Sendable {
    /// Writes of one decision that are under way at a time.
    static let concurrencyMax = 64

    let client: any APIClient
    let informers: InformerSet
    let events: EventRecorder

    init(_ context: ControllerContext) {
        client = context.client
        informers = context.informers
        events = context.events
    }

    /// Carries out `writes` in order, up to the first that fails. Returns when the copies show
    /// those that went well.
    func perform(_ writes: [Write]) async throws(APIError) {
        var failure: APIError?
        var traces: [Trace] = []
        for write in writes {
            let result = await carryOut(write)
            traces += result.traces
            failure = result.failure
            if failure != nil { break }
        }
        for trace in traces { await wait(for: trace) }
        if let failure { throw failure }
    }

    /// What a write leaves behind, to be seen in a copy.
    private enum Trace: Sendable {
        case written(Message)
        case deleted(Message)
    }

    private typealias Outcome = (traces: [Trace], failure: APIError?)

    private func carryOut(_ write: Write) async -> Outcome {
        if case .together(let writes) = write { return await carryOut(together: writes) }
        do throws(APIError) {
            return (try await perform(write).map { [$0] } ?? [], nil)
        } catch {
            return ([], error)
        }
    }

    /// Carries out writes in batches of 1, 2, 4, ..., up to the first batch in which one fails.
    private func carryOut(together writes: [Write]) async -> Outcome {
        var all: Outcome = ([], nil)
        var left = writes[...]
        var size = 1
        while !left.isEmpty, all.failure == nil {
            let batch = left.prefix(size)
            left = left.dropFirst(size)
            size = min(size * 2, Writer.concurrencyMax)
            await withTaskGroup(of: Outcome.self) { group in
                for write in batch { group.addTask { await carryOut(write) } }
                for await one in group {
                    all.traces += one.traces
                    all.failure = all.failure ?? one.failure
                }
            }
        }
        return all
    }

    private func perform(_ write: Write) async throws(APIError) -> Trace? {
        switch write {
        case .create(let object, let announcement):
            return try await create(object, announcement)
        case .update(let object, let notes):
            let written = try await client.update(
                object, at: ResourceAddress(of: object), WriteOptions())
            for note in notes { events.record(note) }
            return .written(written)
        case .setOwners(let object):
            let address = ResourceAddress(of: object)
            let patch = Patch(ownersOf: object)
            return .written(try await client.patch(address, patch, WriteOptions()))
        case .updatePart(let object, let part):
            let address = ResourceAddress(of: object, subresource: part)
            return .written(try await client.update(object, at: address, WriteOptions()))
        case .delete(let object, let options, let announcement):
            return try await delete(object, options, announcement)
        case .announce(let note):
            events.record(note)
            return nil
        case .together: preconditionFailure("carried out one by one")
        }
    }

    private func create(
        _ object: Message, _ announcement: Announcement?
    ) async throws(APIError) -> Trace? {
        let address = ResourceAddress(object.type, namespace: object.objectMeta.namespace)
        do throws(APIError) {
            let created = try await client.create(object, at: address, WriteOptions())
            announcement?.worked(created.objectMeta.name).map(events.record)
            return .written(created)
        } catch {
            if error.isNamespaceTerminating { return nil }
            if let announcement { events.record(announcement.failed(error)) }
            throw error
        }
    }

    /// Somebody else's deletion is as good as ours.
    private func delete(
        _ object: Message, _ options: DeleteOptions, _ announcement: Announcement?
    ) async throws(APIError) -> Trace? {
        var options = options
        options.uid = object.objectMeta.uid
        do throws(APIError) {
            _ = try await client.delete(ResourceAddress(of: object), options)
            announcement?.worked(object.objectMeta.name).map(events.record)
            return .deleted(object)
        } catch {
            if error.isNotFound || error.isConflict { return .deleted(object) }
            if let announcement { events.record(announcement.failed(error)) }
            throw error
        }
    }

    private func wait(for trace: Trace) async {
        switch trace {
        case .written(let object):
            let revision = ResourceVersion(object.objectMeta.resourceVersion)
            guard let revision, let informer = informers.existing(object.type) else { return }
            await informer.waitUntil(revision)
        case .deleted(let object):
            guard let informer = informers.existing(object.type) else { return }
            await informer.waitUntilDoomed(ObjectKey(of: object), uid: object.objectMeta.uid)
        }
    }
}

extension Announcement {
    func worked(_ name: String) -> EventNote? {
        success.map { EventNote(.normal, about: regarding, $0.reason, $0.text + name) }
    }

    func failed(_ error: APIError) -> EventNote {
        EventNote(.warning, about: regarding, failure.reason, failure.text + error.message)
    }
}

extension APIError {
    /// The namespace is going away, and so will what it was about.
    var isNamespaceTerminating: Bool {
        details?.causes.contains { $0.reason == "NamespaceTerminating" } ?? false
    }
}
