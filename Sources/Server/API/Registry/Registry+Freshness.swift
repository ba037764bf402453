import APIErrors
import Store
import StoreCore

// Where there are several members, this one may be behind. What a client reads is no older than it
// may expect: without a resourceVersion the newest that there is anywhere, with one at least that.

extension Registry {
    /// Returns when what `operation` reads is here. Costs nothing where there is one member, or
    /// where the client is content with what is here.
    func catchUp(for operation: Operation) async throws(APIError) {
        guard !isContent(operation) else { return }
        do throws(StoreError) { try await store.confirmNewest() } catch {
            throw APIError(store: error)
        }
    }

    private func isContent(_ operation: Operation) -> Bool {
        switch operation.verb {
        case .get, .list, .watch:
            // What cannot be read is refused by whoever reads it.
            guard let number = UInt64(operation.list.resourceVersion) else { return false }
            return number <= UInt64(store.revision.number)
        case .create, .update, .patch, .delete, .deletecollection:
            // Whoever decides has the newest, and finds out if it does not lead any more.
            return store.isDeciding
        }
    }
}
