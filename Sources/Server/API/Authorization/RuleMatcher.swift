/// A rule made ready to be asked: no text is joined or split while a request waits.
struct RuleMatcher: Sendable {
    private let verbs: [String]?
    private let apiGroups: [String]?
    private let resources: [ResourcePattern]
    /// Empty for all names.
    private let names: [String]
    private let paths: [PathPattern]

    /// What a rule says in `resources`.
    private enum ResourcePattern: Sendable {
        case everything
        /// `*/scale`: a subresource of whatever resource.
        case anySubresource(String)
        case exact(resource: String, subresource: String)
    }

    /// What a rule says in `nonResourceURLs`.
    private enum PathPattern: Sendable {
        case exact(String)
        case prefix(String)
    }

    init(_ rule: PolicyRule) {
        verbs = rule.verbs.contains("*") ? nil : rule.verbs
        apiGroups = rule.apiGroups.contains("*") ? nil : rule.apiGroups
        resources = rule.resources.map { text in
            guard text != "*" else { return .everything }
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let subresource = parts.count > 1 ? String(parts[1]) : ""
            return parts[0] == "*" && !subresource.isEmpty
                ? .anySubresource(subresource)
                : .exact(resource: String(parts[0]), subresource: subresource)
        }
        names = rule.resourceNames
        paths = rule.nonResourceURLs.map { text in
            text.hasSuffix("*")
                ? .prefix(String(text[..<(text.lastIndex { $0 != "*" }.map(text.index(after:))
                    ?? text.startIndex)]))
                : .exact(text)
        }
    }

    /// Whether the rule allows what is asked.
    func allows(_ asked: borrowing Attributes) -> Bool {
        guard contains(verbs, asked.verb) else { return false }
        guard asked.isResourceRequest else { return allows(path: asked.path) }
        return contains(apiGroups, asked.apiGroup)
            && allows(resource: asked.resource, subresource: asked.subresource)
            && (names.isEmpty || names.contains(asked.name))
    }

    /// Nil stands for `*`.
    private func contains(_ list: [String]?, _ wanted: String) -> Bool {
        guard let list else { return true }
        return list.contains(wanted)
    }

    private func allows(resource: String, subresource: String) -> Bool {
        resources.contains { pattern in
            switch pattern {
            case .everything: true
            case .anySubresource(let wanted): wanted == subresource
            case .exact(let one, let other): one == resource && other == subresource
            }
        }
    }

    private func allows(path: String) -> Bool {
        paths.contains { pattern in
            switch pattern {
            case .exact(let exact): exact == path
            case .prefix(let prefix): path.utf8.starts(with: prefix.utf8)
            }
        }
    }
}
