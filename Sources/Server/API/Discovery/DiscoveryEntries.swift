import Kubernetes
import Wire

// What discovery says of one resource and its subresources.

extension MessageType {
    /// The resource and its subresources, for a list of resources.
    var apiResources: [MetaV1.APIResource] {
        guard let resource else { return [] }
        let own = MetaV1.APIResource {
            $0.name = resource.name
            $0.singularName = resource.singular
            $0.namespaced = resource.isNamespaced
            $0.kind = kind
            $0.verbs = resource.verbs
            $0.shortNames = resource.shortNames
            $0.categories = resource.categories
            $0.storageVersionHash = resource.isStored ? storageVersionHash : ""
        }
        return [own] + resource.sortedSubresources.map { sub in
            MetaV1.APIResource {
                $0.name = "\(resource.name)/\(sub.name)"
                $0.namespaced = resource.isNamespaced
                $0.group = sub.group ?? ""
                $0.version = sub.version ?? ""
                $0.kind = sub.kind
                $0.verbs = sub.verbs
            }
        }
    }

    /// The resource with its subresources, for the aggregated document.
    var aggregated: ApidiscoveryV2.APIResourceDiscovery? {
        guard let resource else { return nil }
        return ApidiscoveryV2.APIResourceDiscovery {
            $0.resource = resource.name
            $0.responseKind = MetaV1.GroupVersionKind { $0.kind = kind }
            $0.scope = resource.isNamespaced ? "Namespaced" : "Cluster"
            $0.singularResource = resource.singular
            $0.verbs = resource.verbs
            $0.shortNames = resource.shortNames
            $0.categories = resource.categories
            $0.subresources = resource.sortedSubresources.map { sub in
                ApidiscoveryV2.APISubresourceDiscovery {
                    $0.subresource = sub.name
                    $0.responseKind = MetaV1.GroupVersionKind {
                        $0.group = sub.group ?? ""
                        $0.version = sub.version ?? ""
                        $0.kind = sub.kind
                    }
                    $0.verbs = sub.verbs
                }
            }
        }
    }

    /// Changes when objects of the kind are stored as another version; clients only compare it.
    private var storageVersionHash: String {
        fingerprint("\(group)/\(version)/\(kind)".utf8).hexadecimal
    }
}

extension Resource {
    fileprivate var sortedSubresources: [Subresource] {
        subresources.sorted { $0.name.precedes($1.name) }
    }

    /// Reviews and bindings are answered, not stored; component statuses are made up.
    fileprivate var isStored: Bool { verbs.contains("create") && verbs.contains("get") }
}
