import OpenAPI
import Testing
import Wire

/// The document of version 2, in JSON and as gnostic's protobuf.
@Suite struct SwaggerTests {
    /// A message of protobuf by field numbers: enough of a reader to look at what was written.
    struct Gnostic {
        private(set) var fields: [Int: [ArraySlice<UInt8>]] = [:]

        init(_ bytes: ArraySlice<UInt8>) throws {
            var rest = bytes
            while !rest.isEmpty {
                let tag = try Self.varint(&rest)
                let count = try Self.varint(&rest)
                switch tag & 7 {
                case 0: fields[tag >> 3, default: []].append([UInt8(count)])
                case 2:
                    try #require(rest.count >= count)
                    fields[tag >> 3, default: []].append(rest.prefix(count))
                    rest = rest.dropFirst(count)
                default: Issue.record("wire type \(tag & 7)")
                }
            }
        }

        private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> Int {
            var value = 0
            var shift = 0
            while true {
                let byte = try #require(rest.first)
                rest = rest.dropFirst()
                value |= Int(byte & 0x7f) << shift
                shift += 7
                if byte < 0x80 { return value }
            }
        }

        subscript(_ path: Int...) -> Gnostic? {
            get throws {
                var message: Gnostic? = self
                for number in path {
                    guard let bytes = message?.fields[number]?.first else { return nil }
                    message = try Gnostic(bytes)
                }
                return message
            }
        }

        func text(_ number: Int) -> String? {
            fields[number]?.first.map { String(decoding: $0, as: UTF8.self) }
        }

        func texts(_ number: Int) -> [String] {
            fields[number, default: []].map { String(decoding: $0, as: UTF8.self) }
        }

        /// The value of a name in what is a map in JSON.
        func named(_ name: String, in number: Int) throws -> Gnostic? {
            for bytes in fields[number, default: []] {
                let entry = try Gnostic(bytes)
                if entry.text(1) == name { return try entry[2] }
            }
            return nil
        }
    }

    static func document() throws -> Gnostic {
        try Gnostic(try #require(OpenAPIDocument.version2(.protobuf).bytes())[...])
    }

    @Test func itSaysWhatItIs() throws {
        let document = try Self.document()
        #expect(document.text(1) == "2.0")
        #expect(try document[2]?.text(1) == "Kubernetes")
    }

    @Test func definitionsHaveTypesAndReferences() throws {
        let definitions = try #require(try Self.document()[9])
        let pod = try #require(try definitions.named("io.k8s.api.core.v1.PodSpec", in: 1))
        #expect(try pod[22]?.text(1) == "object")
        #expect(pod.texts(19) == ["containers"])
        let containers = try #require(try pod[25]?.named("containers", in: 1))
        #expect(try containers[22]?.text(1) == "array")
        #expect(try containers[23, 1]?.text(1) == "#/definitions/io.k8s.api.core.v1.Container")
        #expect(try containers.named("x-kubernetes-patch-merge-key", in: 31)?.text(2) == #""name""#)
    }

    @Test func patchesTakeDryRuns() throws {
        let paths = try #require(try Self.document()[8])
        let path = "/api/v1/namespaces/{namespace}/pods/{name}"
        let item = try #require(try paths.named(path, in: 2))
        let patch = try #require(try item[8])
        #expect(patch.text(5) == "patchCoreV1NamespacedPod")
        #expect(try patch.named("x-kubernetes-group-version-kind", in: 13)?.text(2)
            == #"{"group":"","kind":"Pod","version":"v1"}"#)
        let parameters = try patch.fields[8, default: []].map { try Gnostic($0)[1] }
        #expect(try parameters.compactMap { try $0?[2, 3]?.text(4) }.contains("dryRun"))
        #expect(try parameters.compactMap { try $0?[1, 5]?.text(1) }
            == ["#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch"])
    }

    @Test func bothFormsDescribeTheSame() throws {
        let bytes = try #require(OpenAPIDocument.version2(.json).bytes())
        let head = String(decoding: bytes.prefix(60), as: UTF8.self)
        #expect(head.hasPrefix(#"{"swagger":"2.0","info":{"title":"Kubernetes""#))
        let document = try Self.document()
        let names = try document[9]?.fields[1, default: []].map { try Gnostic($0).text(1) } ?? []
        #expect(names.count > 400)
        let last = try #require(names.last ?? nil)
        let tail = String(decoding: bytes.suffix(20_000), as: UTF8.self)
        #expect(tail.contains("\"\(last)\":{"))
    }
}
