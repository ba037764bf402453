import OpenAPI
import Testing
import Wire

@Suite struct OpenAPIDocumentTests {
    static func tree(_ document: OpenAPIDocument) throws -> Value {
        try Value(json: #require(document.bytes()))
    }

    @Test func coreHasADocument() throws {
        let document = try Self.tree(.version3(path: "api/v1"))
        #expect(document["openapi"] == .string("3.0.0"))
        #expect(document["info"]?["title"] == .string("Kubernetes"))
    }

    @Test(arguments: OpenAPIDocument.paths)
    func everyReferenceLeadsToADefinition(path: String) throws {
        let document = try Self.tree(.version3(path: path))
        let definitions = document["components"]?["schemas"]
        for reference in document.references {
            #expect(reference.hasPrefix("#/components/schemas/"))
            #expect(definitions?[String(reference.dropFirst(21))] != nil, "\(reference)")
        }
    }

    @Test func aListSaysHowItMerges() throws {
        let containers = try #require(
            try Self.definition("io.k8s.api.core.v1.PodSpec")["properties"]?["containers"])
        #expect(containers["type"] == .string("array"))
        #expect(containers["x-kubernetes-patch-merge-key"] == .string("name"))
        #expect(containers["x-kubernetes-patch-strategy"] == .string("merge"))
        #expect(containers["x-kubernetes-list-type"] == .string("map"))
        #expect(containers["x-kubernetes-list-map-keys"] == .list([.string("name")]))
        let element = containers["items"]?["allOf"]
        #expect(Self.text(element)
            == ##"[{"$ref":"#/components/schemas/io.k8s.api.core.v1.Container"}]"##)
    }

    @Test func volumeSourcesStandInTheVolume() throws {
        let volume = try Self.definition("io.k8s.api.core.v1.Volume")
        #expect(volume["required"] == .list([.string("name")]))
        #expect(volume["properties"]?["emptyDir"] != nil)
        #expect(volume["properties"]?["volumeSource"] == nil)
    }

    @Test func kindsSayWhichTheyAre() throws {
        let pod = try Self.definition("io.k8s.api.core.v1.Pod")
        #expect(pod["properties"]?["apiVersion"]?["type"] == .string("string"))
        #expect(Self.text(pod["x-kubernetes-group-version-kind"])
            == #"[{"group":"","kind":"Pod","version":"v1"}]"#)
    }

    @Test(arguments: [
        ("io.k8s.apimachinery.pkg.api.resource.Quantity",
            #"{"oneOf":[{"type":"string"},{"type":"number"}]}"#),
        ("io.k8s.apimachinery.pkg.util.intstr.IntOrString",
            #"{"format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}]}"#),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", #"{"format":"date-time","type":"string"}"#),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", #"{"type":"object"}"#),
    ])
    func valuesWithAFormOfTheirOwnHaveASchema(name: String, schema: String) throws {
        #expect(Self.text(try Self.definition(name)) == schema)
    }

    @Test func aPatchSaysWhatItTakes() throws {
        let path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        let patch = try #require(
            try Self.tree(.version3(path: "apis/apps/v1"))["paths"]?[path]?["patch"])
        #expect(patch["operationId"] == .string("patchAppsV1NamespacedDeployment"))
        #expect(patch["x-kubernetes-action"] == .string("patch"))
        #expect(Self.text(patch["x-kubernetes-group-version-kind"])
            == #"{"group":"apps","kind":"Deployment","version":"v1"}"#)
        guard case .list(let parameters)? = patch["parameters"] else {
            Issue.record("no parameters")
            return
        }
        #expect(parameters.compactMap { $0["name"] } == [
            "dryRun", "fieldManager", "fieldValidation", "force",
        ].map { .string($0) })
        guard case .map(let content)? = patch["requestBody"]?["content"] else {
            Issue.record("no body")
            return
        }
        #expect(content.entries.map(\.key) == [
            "application/apply-patch+yaml", "application/json-patch+json",
            "application/merge-patch+json", "application/strategic-merge-patch+json",
        ])
    }

    @Test func theIndexSaysWhereDocumentsAre() throws {
        let index = try Value(json: OpenAPIDocument.index { _ in "1F" })
        #expect(index["paths"]?["apis/apps/v1"]?["serverRelativeURL"]
            == .string("/openapi/v3/apis/apps/v1?hash=1F"))
        #expect(OpenAPIDocument.paths.contains("version"))
    }

    @Test func unknownGroupsHaveNone() {
        #expect(OpenAPIDocument.version3(path: "apis/nowhere/v1").bytes() == nil)
    }

    @Test func aHashChangesWithTheContent() {
        #expect(OpenAPIDocument.hash(of: []) == "CBF29CE484222325")
        #expect(OpenAPIDocument.hash(of: Array("a".utf8)) == "AF63DC4C8601EC8C")
    }

    private static func definition(_ name: String) throws -> Value {
        try #require(try tree(.version3(path: "api/v1"))["components"]?["schemas"]?[name])
    }

    private static func text(_ value: Value?) -> String {
        String(decoding: value?.json ?? [], as: UTF8.self)
    }
}

extension Value {
    subscript(member: String) -> Value? {
        guard case .map(let map) = self else { return nil }
        return map[member]
    }

    /// Every reference within it.
    var references: [String] {
        switch self {
        case .list(let list): list.flatMap(\.references)
        case .map(let map):
            map.entries.flatMap { entry -> [String] in
                if entry.key == "$ref", case .string(let text) = entry.value { return [text] }
                return entry.value.references
            }
        default: []
        }
    }
}
