import APIErrors
import Logging

/// Carries out a ``Reflection``: lists and watches a resource, and tells `sink` what changes.
struct Reflector: Sendable {
    let address: ResourceAddress
    let selection: Selection
    let client: any APIClient
    let time: any TimeSource
    let logger: Logger

    /// Runs until the task is cancelled. `sink` is called by one task, in order; if it throws,
    /// everything is listed again.
    func run(_ sink: @Sendable (Reflection.Effect) throws(APIError) -> Void) async {
        var reflection = Reflection(selection)
        var stream: (any WatchStream)?
        var input = Reflection.Input.started
        defer { stream?.cancel() }
        while !Task.isCancelled {
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
        guard !Task.isCancelled, !error.isExpired else { return }
        logger.warning("\(address): \(error.code) \(error.reason): \(error.message)")
    }
}
