public import APIErrors
public import Logging

/// Carries out a ``Reflection``: lists and watches a resource, and tells `sink` what changes.
public struct Reflector: Sendable {
    public typealias Sink = @Sendable (Reflection.Effect) throws(APIError) -> Void

    private let address: ResourceAddress
    private let selection: Selection
    private let client: any APIClient
    private let time: any TimeSource
    private let logger: Logger

    public init(
        _ address: ResourceAddress, _ selection: Selection = Selection(), client: any APIClient,
        time: any TimeSource, logger: Logger
    ) {
        self.address = address
        self.selection = selection
        self.client = client
        self.time = time
        self.logger = logger
    }

    /// Runs until the task is cancelled. `sink` is called by one task, in order; if it throws,
    /// everything is listed again.
    public func run(_ sink: Sink) async { await run(sink, isOptional: false) }

    /// The same, but returns when the server does not serve the resource.
    public func runIfServed(_ sink: Sink) async { await run(sink, isOptional: true) }

    private func run(_ sink: Sink, isOptional: Bool) async {
        var reflection = Reflection(selection)
        var stream: (any WatchStream)?
        var input = Reflection.Input.started
        defer { stream?.cancel() }
        while !Task.isCancelled {
            if isOptional, case .listFailed(let error) = input, error.isNotServed { return }
            var (effect, next) = reflection.step(input)
            if let effect {
                do { try sink(effect) } catch {
                    logger.error("\(address): \(error.message)")
                    next = reflection.reject()
                }
            }
            input = await perform(next, &stream)
        }
    }

    private func perform(
        _ action: Reflection.Action, _ stream: inout (any WatchStream)?
    ) async -> Reflection.Input {
        switch action {
        case .list(let options):
            return await list(options)
        case .watch(let options):
            stream?.cancel()
            do throws(APIError) {
                stream = try await client.watch(address, options)
                return .watching
            } catch {
                note(error)
                return .watchFailed(error)
            }
        case .read:
            return await stream?.next().map(Reflection.Input.event) ?? .watchEnded
        case .wait(let pause):
            do { try await time.sleep(for: pause) } catch { return .waited }
            return .waited
        }
    }

    private func list(_ options: ListOptions) async -> Reflection.Input {
        do throws(APIError) {
            return .page(try await client.list(address, options))
        } catch {
            note(error)
            return .listFailed(error)
        }
    }

    private func note(_ error: APIError) {
        guard !Task.isCancelled, !error.isExpired, !error.isNotServed else { return }
        logger.warning("\(address): \(error.code) \(error.reason): \(error.message)")
    }
}

extension APIError {
    /// A list is answered so only if there is no such resource.
    fileprivate var isNotServed: Bool { isNotFound || reason == .methodNotAllowed }
}
