@testable import APIClient
import Kubernetes
import Testing
import Wire

@Suite("A copy of a resource")
struct ObjectCacheTests {
    func pod(_ name: String, at revision: UInt64, label: String = "web") -> StoredObject {
        StoredObject(
            CoreV1.Pod {
                $0.metadata.name = name
                $0.metadata.namespace = "default"
                $0.metadata.labels = ["app": label]
                $0.metadata.resourceVersion = String(revision)
            }.tree)
    }

    static let app = ObjectIndex("app") { [$0.objectMeta.labels["app"] ?? ""] }

    func names(_ cache: ObjectCache, _ label: String) -> Set<String> {
        Set(cache.objects(Self.app, label).map(\.knownTree.objectMeta.name))
    }

    @Test("shows no revision of a list before the list is complete")
    func listRevision() throws {
        var cache = ObjectCache()
        cache.beginList()
        _ = try cache.put(listed: pod("late", at: 9))
        #expect(cache.revision == ResourceVersion(0))
        _ = try cache.put(listed: pod("early", at: 3))
        cache.advance(to: ResourceVersion(12))
        #expect(cache.revision == ResourceVersion(12))
    }

    @Test("loses what a complete list does not have, and keeps what it had")
    func unlisted() throws {
        var cache = ObjectCache()
        for name in ["a", "b", "c"] { _ = try cache.put(pod(name, at: 5)) }
        cache.beginList()
        let told = try cache.put(listed: pod("b", at: 5))
        #expect(told == nil)
        var gone: [String] = []
        while let change = cache.removeUnlisted() { gone.append(change.key.name) }
        #expect(gone.sorted() == ["a", "c"])
        #expect(cache.keys.map(\.name) == ["b"])
    }

    @Test("loses nothing for a list that broke off: the next one begins anew")
    func brokenList() throws {
        var cache = ObjectCache()
        for name in ["a", "b"] { _ = try cache.put(pod(name, at: 5)) }
        cache.beginList()
        _ = try cache.put(listed: pod("a", at: 5))
        cache.beginList()
        _ = try cache.put(listed: pod("b", at: 5))
        #expect(cache.removeUnlisted()?.key.name == "a")
        #expect(cache.removeUnlisted() == nil)
    }

    @Test("finds an object under what it is now, and no more under what it was")
    func indexes() throws {
        var cache = ObjectCache()
        cache.add(Self.app)
        _ = try cache.put(pod("a", at: 1))
        _ = try cache.put(pod("b", at: 2))
        _ = try cache.put(pod("a", at: 3, label: "db"))
        #expect(names(cache, "web") == ["b"])
        #expect(names(cache, "db") == ["a"])
        _ = try cache.remove(pod("b", at: 4))
        #expect(names(cache, "web").isEmpty)
    }
}
