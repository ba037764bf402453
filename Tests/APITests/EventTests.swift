import Testing

@Suite("Events are the same in both of their groups")
struct EventTests {
    let core = "/api/v1/namespaces/a/events"
    let new = "/apis/events.k8s.io/v1/namespaces/a/events"

    @Test("written in one, read, selected, patched and watched in the other")
    func bothGroups() async throws {
        let world = try await World()
        let made = try await world.must(.post(new, #"""
            {"metadata":{"name":"e"},"eventTime":"2024-01-01T00:00:00.000001Z",
             "reportingController":"x.io/c","reportingInstance":"c-1","action":"Test",
             "reason":"Tested","type":"Warning","note":"was tested",
             "regarding":{"kind":"Pod","name":"p","namespace":"a"}}
            """#))
        #expect(made["apiVersion"] == "events.k8s.io/v1")
        #expect(made["note"] == "was tested")
        let old = try await world.must(.get("\(core)/e"))
        #expect(old["apiVersion"] == "v1")
        #expect(old["message"] == "was tested")
        #expect(old["involvedObject.name"] == "p")
        #expect(old["metadata.uid"] == made["metadata.uid"])
        try await world.must(.merge(
            "\(new)/e", #"{"series":{"count":2,"lastObservedTime":"2024-01-01T00:00:01.000000Z"}}"#))
        #expect(try await world.must(.get("\(core)/e"))["series.count"] == "2")
        for (path, field) in [(core, "involvedObject.name"), (new, "regarding.name")] {
            let found = try await world.must(.get("\(path)?fieldSelector=\(field)%3Dp"))
            #expect(found.each("metadata.name") == ["e"])
            let watched = try await world.must(.get("\(path)?watch=true&timeoutSeconds=1"))
            #expect(watched.text.contains(path == core ? #""message":"was"# : #""note":"was"#))
        }
        try await world.must(.delete("\(core)/e"))
        #expect(try await world.ask(.get("\(new)/e")).status == 404)
    }
}
