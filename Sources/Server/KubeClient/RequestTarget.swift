import APIClient
import Wire

extension ResourceAddress {
    /// `/apis/apps/v1/namespaces/default/deployments/web/status`
    var path: String {
        var path = (type.group.isEmpty ? "/api/" : "/apis/") + type.apiVersion
        if let namespace { path += "/namespaces/\(namespace.escaped)" }
        path += "/\(resource.name)"
        for part in [name, subresource] {
            if let part { path += "/\(part.escaped)" }
        }
        return path
    }
}

/// The part of a request's target after the question mark.
struct Query {
    private var pairs: [String] = []

    var text: String { pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&") }

    mutating func add(_ name: String, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        pairs.append("\(name)=\(value.escaped)")
    }

    mutating func add(_ name: String, _ isSet: Bool) {
        if isSet { pairs.append("\(name)=true") }
    }

    mutating func add(_ selection: Selection) {
        add("labelSelector", selection.labels)
        add("fieldSelector", selection.fields)
    }
}

extension Query {
    init(_ options: ListOptions) {
        add(options.selection)
        add("limit", options.limit.map(String.init))
        add("continue", options.continuation)
        guard let revision = options.resourceVersion, options.continuation == nil else { return }
        add("resourceVersion", revision.text)
        add("resourceVersionMatch", options.isExact ? "Exact" : "NotOlderThan")
    }

    init(_ options: WatchOptions) {
        add("watch", true)
        add(options.selection)
        add("resourceVersion", options.resourceVersion?.text)
        add("allowWatchBookmarks", options.allowBookmarks || options.sendInitialEvents)
        guard options.sendInitialEvents else { return }
        add("sendInitialEvents", true)
        add("resourceVersionMatch", "NotOlderThan")
    }

    init(_ options: WriteOptions) {
        if options.isDryRun { add("dryRun", "All") }
        add("fieldManager", options.fieldManager)
        add("force", options.force)
    }
}

extension String {
    /// With everything but letters, digits and `-._~` as `%XX`.
    var escaped: String {
        let plain = UInt8(ascii: "a")...UInt8(ascii: "z")
        let capital = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let digit = UInt8(ascii: "0")...UInt8(ascii: "9")
        return utf8.reduce(into: "") { text, byte in
            let isKept = plain.contains(byte) || capital.contains(byte) || digit.contains(byte)
                || "-._~".utf8.contains(byte)
            if isKept {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 16 ? "%0" : "%"
                text += String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
