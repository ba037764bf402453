import Foundation
import Wire

/// An object of one kind with every field set, in three encodings, as a real server wrote it.
struct Fixture: CustomStringConvertible, Sendable {
    let name: String

    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/kubernetes/roundtrip")

    static let all: [Fixture] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".pb") }.sorted()
            .map { Fixture(name: String($0.dropLast(3))) }
    }()

    static let areThere = !all.isEmpty

    func bytes(_ suffix: String) throws -> [UInt8] {
        let data = try Data(contentsOf: Fixture.folder.appending(path: "\(name).\(suffix)"))
        guard name == "apps.v1.StatefulSet", suffix != "pb" else { return [UInt8](data) }
        return Array(Self.sayingKinds(String(decoding: data, as: UTF8.self)).utf8)
    }

    /// A server says the kind of a stateful set's claims, where the fixture, which Kubernetes' types
    /// alone have made, does not.
    private static func sayingKinds(_ text: String) -> String {
        text.replacing("""
                "volumeClaimTemplates": [
                  {

            """, with: """
                "volumeClaimTemplates": [
                  {
                    "kind": "PersistentVolumeClaim",
                    "apiVersion": "v1",

            """)
            .replacing("""
              volumeClaimTemplates:
              - metadata:

            """, with: """
              volumeClaimTemplates:
              - apiVersion: v1
                kind: PersistentVolumeClaim
                metadata:

            """)
    }

    /// Kinds whose bodies do not say what they are.
    var defaultType: MessageType? {
        name == "core.v1.WatchEvent" ? Schema.find("kubernetes.meta.v1.WatchEvent") : nil
    }

    var description: String { name }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
