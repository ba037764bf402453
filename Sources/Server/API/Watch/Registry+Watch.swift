import APIErrors
import StoreCore
import Wire

extension Registry {
    func watch(_ operation: Operation) throws(APIError) -> WatchSession {
        let options = operation.list
        let selection = try Selection(operation)
        let after: Revision?
        do throws(APIError) { after = try Self.revision(options.resourceVersion) } catch {
            // Kubernetes has no reason for this one.
            let text = options.resourceVersion
            throw .failure("resourceVersion: Invalid value: \"\(text)\": "
                + "strconv.ParseUint: parsing \"\(text)\": invalid syntax")
        }
        let startsWithState = options.sendsInitialEvents ?? (after == nil || after == Revision.none)
        return try WatchSession(
            operation, selection: selection, after: startsWithState ? nil : after, store: store,
            hub: hub
        ) { () throws(APIError) in
            var listing = operation
            listing.list.resourceVersion = ""
            listing.list.resourceVersionMatch = ""
            listing.list.limit = 0
            return try list(listing)
        }
    }
}

extension WatchHub {
    func range(of type: MessageType, namespace: String?) -> KeyRange {
        guard let resource = type.resource else { return .all }
        return .prefix(layout.collection(type, resource, namespace: namespace))
    }
}
