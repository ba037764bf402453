import Testing

@Suite("Warnings in answers")
struct WarningTests {
    @Test("advise against kinds, whatever is done to them")
    func advisedAgainst() async throws {
        let world = try await World()
        let advice = #"299 - "v1 Endpoints is deprecated in v1.33+; "#
            + #"use discovery.k8s.io/v1 EndpointSlice""#
        let endpoints = "/api/v1/namespaces/a/endpoints"
        #expect(try await world.must(.get(endpoints)).warnings == [advice])
        let made = try await world.must(.post(endpoints, #"{"metadata":{"name":"e"}}"#))
        #expect(made.warnings == [advice])
        #expect(try await world.must(.get("/api/v1/componentstatuses")).warnings
            == [#"299 - "v1 ComponentStatus is deprecated in v1.19+""#])
        #expect(try await world.must(.get("/api/v1/namespaces/a/services")).warnings.isEmpty)
    }

    @Test("tell of unknown and repeated fields, if the client wants no more than that")
    func fields() async throws {
        let world = try await World()
        let made = try await world.must(.post(
            "/api/v1/namespaces/a/configmaps?fieldValidation=Warn",
            #"{"metadata":{"name":"c"},"dta":{},"data":{"a":"1","a":"2"}}"#))
        #expect(made.warnings == [
            #"299 - "unknown field \"dta\"""#, #"299 - "duplicate field \"data.a\"""#,
        ])
    }
}
