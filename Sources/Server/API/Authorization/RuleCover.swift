import Authentication

/// Whether rules are contained in others, which decides who may grant them.
enum RuleCover {
    /// The parts of `wanted` that no rule of `held` contains, each of one verb and one resource.
    static func missing(from held: [PolicyRule], of wanted: [PolicyRule]) -> [PolicyRule] {
        wanted.flatMap(\.atoms).filter { atom in !held.contains { $0.covers(atom) } }
    }

    /// Joins the verbs of rules that are otherwise equal and about one resource.
    static func compact(_ rules: [PolicyRule]) -> [PolicyRule] {
        var compacted: [PolicyRule] = []
        var places: [PolicyRule: Int] = [:]
        for rule in rules {
            guard rule.isSimple else { compacted.append(rule); continue }
            var subject = rule
            subject.verbs = []
            if let place = places[subject] {
                compacted[place].verbs += rule.verbs
            } else {
                places[subject] = compacted.count
                compacted.append(rule)
            }
        }
        return compacted
    }
}

extension PolicyRule {
    fileprivate var isSimple: Bool {
        resourceNames.count <= 1 && nonResourceURLs.isEmpty
            && apiGroups.count == 1 && resources.count == 1
    }

    /// The same rule as several, each of one verb, one resource or path and at most one name.
    fileprivate var atoms: [PolicyRule] {
        var atoms: [PolicyRule] = []
        for group in apiGroups {
            for resource in resources {
                for verb in verbs {
                    let names = resourceNames.isEmpty ? [[]] : resourceNames.map { [$0] }
                    atoms += names.map {
                        PolicyRule(verbs: [verb], apiGroups: [group], resources: [resource],
                                   resourceNames: $0)
                    }
                }
            }
        }
        for path in nonResourceURLs {
            atoms += verbs.map { PolicyRule(verbs: [$0], nonResourceURLs: [path]) }
        }
        return atoms
    }

    fileprivate func covers(_ atom: PolicyRule) -> Bool {
        verbs.holds(all: atom.verbs) && apiGroups.holds(all: atom.apiGroups)
            && (resources.contains("*") || atom.resources.allSatisfy(covers(resource:)))
            && atom.nonResourceURLs.allSatisfy(covers(path:))
            && (resourceNames.isEmpty
                || (!atom.resourceNames.isEmpty
                    && atom.resourceNames.allSatisfy(resourceNames.contains)))
    }

    private func covers(resource: String) -> Bool {
        if resources.contains(resource) { return true }
        guard let slash = resource.firstIndex(of: "/") else { return false }
        return resources.contains("*\(resource[slash...])")
    }

    private func covers(path: String) -> Bool {
        nonResourceURLs.contains { own in
            if own == path { return true }
            guard own.hasSuffix("*") else { return false }
            let end = own.lastIndex { $0 != "*" }.map(own.index(after:)) ?? own.startIndex
            return path.hasPrefix(own[..<end])
        }
    }

    /// As messages about escalation write it.
    var description: String {
        let parts = [
            ("APIGroups", apiGroups), ("Resources", resources),
            ("NonResourceURLs", nonResourceURLs), ("ResourceNames", resourceNames),
            ("Verbs", verbs),
        ].filter { !$0.1.isEmpty }.map { "\($0.0):\($0.1.quotedList)" }
        return "{\(parts.joined(separator: ", "))}"
    }
}

extension [String] {
    fileprivate func holds(all wanted: [String]) -> Bool {
        contains("*") || wanted.allSatisfy(contains)
    }
}
