import Testing

@Suite("What the server adds to an object that is written")
struct StrategyTests {
    @Test("a generated name is there before what is made of it")
    func generatedNames() async throws {
        let world = try await World()
        let job = try await world.must(.post("/apis/batch/v1/namespaces/a/jobs", #"""
            {"metadata":{"generateName":"j-"},"spec":{"template":{"spec":{"restartPolicy":"Never",
             "containers":[{"name":"c","image":"i"}]}}}}
            """#))
        let name = try #require(job["metadata.name"])
        #expect(name.hasPrefix("j-"))
        #expect(job["spec.template.metadata.labels.job-name"] == name)
        let namespace = try await world.must(
            .post("/api/v1/namespaces", #"{"metadata":{"generateName":"n-"}}"#))
        #expect(namespace.text.contains(
            #""kubernetes.io/metadata.name":"\#(namespace["metadata.name"] ?? "")""#))
    }

    @Test("the claim templates of a stateful set say their kind in JSON, given or not")
    func claimTemplates() async throws {
        let world = try await World()
        let sets = "/apis/apps/v1/namespaces/a/statefulsets"
        for (name, kind) in [("s", ""), ("t", #""apiVersion":"v1","kind":"PersistentVolumeClaim","#)] {
            let claim = #"{\#(kind)"metadata":{"name":"d"},"spec":{"accessModes":["ReadWriteOnce"],"#
                + #""resources":{"requests":{"storage":"1Gi"}}}}"#
            let made = try await world.must(.post("\(sets)?fieldValidation=Strict", #"""
                {"metadata":{"name":"\#(name)"},"spec":{"selector":{"matchLabels":{"a":"b"}},
                 "template":{"metadata":{"labels":{"a":"b"}},
                  "spec":{"containers":[{"name":"c","image":"i"}]}},"volumeClaimTemplates":[\#(claim)]}}
                """#))
            #expect(made["spec.volumeClaimTemplates.0.kind"] == "PersistentVolumeClaim")
            #expect(made["spec.volumeClaimTemplates.0.apiVersion"] == "v1")
            #expect(try await world.must(.get("\(sets)/\(name)")).bytes == made.bytes)
            let pretty = try await world.must(.get("\(sets)/\(name)?pretty=true"))
            #expect(pretty["spec.volumeClaimTemplates.0.kind"] == "PersistentVolumeClaim")
        }
        let patched = try await world.must(Call(
            method: "PATCH", target: "\(sets)/s", body: #"""
                [{"op":"test","path":"/spec/volumeClaimTemplates/0/kind","value":"PersistentVolumeClaim"},
                 {"op":"replace","path":"/spec/replicas","value":2}]
                """#, headers: ["content-type": "application/json-patch+json"]))
        #expect(patched["spec.replicas"] == "2")
    }

    @Test("the conditions of an approval get the time of the request, and keep it")
    func approvals() async throws {
        let world = try await World()
        let requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        try await world.must(.post(requests, #"""
            {"metadata":{"name":"r"},"spec":{"signerName":"example.com/s","usages":["client auth"],
             "request":"\#(certificateRequest)"}}
            """#))
        let approved = try await world.must(.merge("\(requests)/r/approval", #"""
            {"status":{"conditions":[{"type":"Approved","status":"True","reason":"Fine"}]}}
            """#))
        #expect(approved["status.conditions.0.lastUpdateTime"] == "2023-11-14T22:13:20Z")
        #expect(approved["status.conditions.0.lastTransitionTime"] == "2023-11-14T22:13:20Z")
        let issued = try await world.must(.merge("\(requests)/r/status", #"""
            {"status":{"conditions":[
              {"type":"Approved","status":"True","reason":"Fine","lastUpdateTime":"2023-11-14T22:13:20Z",
               "lastTransitionTime":"2023-11-14T22:13:20Z"},
              {"type":"Failed","status":"True","reason":"Later","lastUpdateTime":"2023-01-01T00:00:00Z"}]}}
            """#))
        #expect(issued["status.conditions.1.lastUpdateTime"] == "2023-01-01T00:00:00Z")
        #expect(issued["status.conditions.1.lastTransitionTime"] == "2023-11-14T22:13:20Z")
    }

    /// A PEM request for the name `u`, in base64.
    private let certificateRequest = """
        LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIR01HNENBUUF3RERFS01BZ0dBMVVFQXd3\
        QmRUQlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCUEs4azFCVDRZR1U1THpzenByMGRpaDBI\
        SjZIMkhVKzR0Zm5veVY5TmpHQ3Z4ZmhCY1ZIb2tBTjNOdzF4U243CmpIMDZ4Y2lIbGJmeVhIRDN6K3B6UVo2\
        Z0FEQUtCZ2dxaGtqT1BRUURBZ05JQURCRkFpRUF0elhYZUY0b1lsa2wKeURhNjlkR1orUDhRZTRrTXlhSGZr\
        aU5qTVhTUnE1OENJRUFSQXN1ajkwUERXMElXMjE3NkMvYWlnUnQxN1V6UApGWlR6N2RId1FtUHQKLS0tLS1F\
        TkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==
        """
}
