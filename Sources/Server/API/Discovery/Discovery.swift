import Kubernetes
public import Wire

/// Tells clients which groups, versions and resources there are: /api, /apis and what is below.
public struct Discovery: Sendable {
    let catalog: Catalog

    /// - Parameter types: Those that a REST resource serves.
    public init(types: [MessageType] = Schema.resourceTypes) {
        catalog = Catalog(types: types)
    }

    /// What the aggregated form of a document calls itself in Accept and Content-Type.
    public static let aggregatedParameters = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    /// The document of a path: `/api`, `/api/v1`, `/apis`, `/apis/GROUP` or
    /// `/apis/GROUP/VERSION`. Nil for any other path, and for groups and versions that are not
    /// there.
    ///
    /// - Parameter serverAddress: `host:port` under which the client reached us, for `/api`.
    public func document(path: String, serverAddress: String = "") -> DiscoveryDocument? {
        let parts = path.split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("api"?, 1): return versions(serverAddress)
        case ("api"?, 2): return resources(group: "", version: parts[1])
        case ("apis"?, 1): return DiscoveryDocument(groups.tree)
        case ("apis"?, 2):
            return catalog.group(parts[1]).map { DiscoveryDocument($0.view.tree) }
        case ("apis"?, 3): return resources(group: parts[1], version: parts[2])
        default: return nil
        }
    }

    /// The aggregated document of `/api` or `/apis`, which says everything at once; nil for any
    /// other path.
    public func aggregated(path: String) -> DiscoveryDocument? {
        let wanted: [Catalog.Group]
        switch path.split(separator: "/") {
        case ["api"]: wanted = catalog.groups.filter(\.name.isEmpty)
        case ["apis"]: wanted = catalog.groups.filter { !$0.name.isEmpty }
        default: return nil
        }
        let list = ApidiscoveryV2.APIGroupDiscoveryList { $0.items = wanted.map(\.aggregated) }
        let hash = fingerprint(ObjectCodec.bytes(list.tree))
        return DiscoveryDocument(list.tree, etag: "\"\(hash.hexadecimal)\"")
    }

    private func versions(_ serverAddress: String) -> DiscoveryDocument {
        let versions = MetaV1.APIVersions {
            $0.versions = catalog.group("")?.versions.map(\.name) ?? []
            $0.serverAddressByClientCIDRs = [
                MetaV1.ServerAddressByClientCIDR {
                    $0.clientCIDR = "0.0.0.0/0"
                    $0.serverAddress = serverAddress
                }
            ]
        }
        return DiscoveryDocument(versions.tree)
    }

    private var groups: MetaV1.APIGroupList {
        MetaV1.APIGroupList {
            $0.groups = catalog.groups.filter { !$0.name.isEmpty }.map(\.view)
        }
    }

    private func resources(group: String, version: String) -> DiscoveryDocument? {
        guard let found = catalog.version(group, version) else { return nil }
        let list = MetaV1.APIResourceList {
            $0.groupVersion = group.isEmpty ? version : "\(group)/\(version)"
            $0.resources = found.types.flatMap(\.apiResources)
        }
        return DiscoveryDocument(list.tree, hasNoVersion: group.isEmpty)
    }
}

extension Catalog.Group {
    fileprivate var view: MetaV1.APIGroup {
        let all = versions.map { version in
            MetaV1.GroupVersionForDiscovery {
                $0.groupVersion = "\(name)/\(version.name)"
                $0.version = version.name
            }
        }
        return MetaV1.APIGroup {
            $0.name = name
            $0.versions = all
            $0.preferredVersion = all[0]
        }
    }

    fileprivate var aggregated: ApidiscoveryV2.APIGroupDiscovery {
        ApidiscoveryV2.APIGroupDiscovery {
            $0.metadata.name = name
            $0.versions = versions.map { version in
                ApidiscoveryV2.APIVersionDiscovery {
                    $0.version = version.name
                    $0.resources = version.types.compactMap(\.aggregated)
                    $0.freshness = "Current"
                }
            }
        }
    }
}
