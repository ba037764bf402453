import Kubernetes
import Wire

extension TableLayout {
    static var nodeAndEventLayouts: Entries {
        [
            of(CoreV1.Node.self, [
                .name, .string("Status") { $0.subject.shownStatus },
                .string("Roles") { $0.metadata.labels.nodeRoles }, .age,
                .string("Version") { $0.subject.status.nodeInfo.kubeletVersion },
                Column.string("Internal-IP") { $0.subject.address("InternalIP") }.wide,
                Column.string("External-IP") { $0.subject.address("ExternalIP") }.wide,
                Column.string("OS-Image") { $0.subject.status.nodeInfo.osImage.or(unknown) }.wide,
                Column.string("Kernel-Version") { $0.subject.status.nodeInfo.kernel }.wide,
                Column.string("Container-Runtime") {
                    $0.subject.status.nodeInfo.containerRuntimeVersion.or(unknown)
                }.wide,
            ]),
            (CoreV1.Event.messageType,
             TableLayout(eventColumns) { EventSummary(CoreV1.Event($0) ?? .init()) }),
            (EventsV1.Event.messageType,
             TableLayout(eventColumns) { EventSummary(EventsV1.Event($0) ?? .init()) }),
        ]
    }

    private static var eventColumns: [Column<EventSummary>] {
        [
            .string("Last Seen") { $0.age(of: $0.subject.last) },
            .string("Type") { $0.subject.type }, .string("Reason") { $0.subject.reason },
            .string("Object") { $0.subject.object },
            Column.string("Subobject") { $0.subject.fieldPath }.wide,
            Column.string("Source") { $0.subject.source }.wide,
            .string("Message") { $0.subject.message },
            Column.string("First Seen") { $0.age(of: $0.subject.first) }.wide,
            Column.count("Count") { $0.subject.count }.wide,
            Column.name.wide,
        ]
    }
}

extension CoreV1.Node {
    fileprivate var shownStatus: String {
        let ready = status.conditions.first { $0.type == "Ready" }
        let state = ready.map { $0.status == "True" ? "Ready" : "NotReady" } ?? "Unknown"
        return spec.unschedulable ? state + ",SchedulingDisabled" : state
    }

    fileprivate func address(_ type: String) -> String {
        status.addresses.first { $0.type == type }?.address ?? nothing
    }
}

extension CoreV1.NodeSystemInfo {
    fileprivate var kernel: String {
        guard !kernelVersion.isEmpty else { return unknown }
        return architecture.isEmpty ? kernelVersion : "\(kernelVersion) (\(architecture))"
    }
}

extension [String: String] {
    /// The roles that a node's labels name.
    fileprivate var nodeRoles: String {
        let prefix = "node-role.kubernetes.io/"
        var roles: Set<String> = []
        for (key, value) in self {
            if key.hasPrefix(prefix), key != prefix {
                roles.insert(String(key.dropFirst(prefix.utf8.count)))
            } else if key == "kubernetes.io/role", !value.isEmpty {
                roles.insert(value)
            }
        }
        return roles.sorted { $0.precedes($1) }.joined.or(nothing)
    }
}

/// What a table says of an event, of whichever of its two groups.
private struct EventSummary {
    var first: Timestamp?
    var last: Timestamp?
    var type: String
    var reason: String
    var object: String
    var fieldPath: String
    var source: String
    var message: String
    var count: Int

    init(_ event: CoreV1.Event) {
        type = event.type
        reason = event.reason
        object = event.involvedObject.shown
        fieldPath = event.involvedObject.fieldPath
        source = Self.source(event.source, event.reportingComponent, event.reportingInstance)
        message = event.message.trimmed
        count = event.series?.count ?? max(event.count, 1)
        first = event.firstTimestamp ?? event.eventTime
        last = event.series?.lastObservedTime ?? event.lastTimestamp ?? first
    }

    init(_ event: EventsV1.Event) {
        type = event.type
        reason = event.reason
        object = event.regarding.shown
        fieldPath = event.regarding.fieldPath
        source = Self.source(
            event.deprecatedSource, event.reportingController, event.reportingInstance)
        message = event.note.trimmed
        count = event.series?.count ?? max(event.deprecatedCount, 1)
        first = event.deprecatedFirstTimestamp ?? event.eventTime
        last = event.series?.lastObservedTime ?? event.deprecatedLastTimestamp ?? first
    }

    private static func source(
        _ source: CoreV1.EventSource, _ controller: String, _ instance: String
    ) -> String {
        let component = source.component.or(controller)
        let host = source.host.or(instance)
        return host.isEmpty ? component : "\(component), \(host)"
    }
}

extension CoreV1.ObjectReference {
    fileprivate var shown: String {
        name.isEmpty ? kind.lowercased() : "\(kind.lowercased())/\(name)"
    }
}

extension String {
    fileprivate var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
