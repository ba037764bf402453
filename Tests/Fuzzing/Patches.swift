import Wire

/// The body of a PATCH, of each sort, applied to a pod; and, after a line with a single `%`, the
/// object in place of the pod.
func feedPatch(_ input: [UInt8]) {
    let (body, target) = parts(input)
    for kind in ObjectPatch.Kind.allCases {
        var issues: [String] = []
        guard let patch = try? ObjectPatch(kind, body, issues: &issues) else { continue }
        guard let patched = try? patch.apply(to: target) else { continue }
        promise(patched.object.type == target.type, "a patch makes another kind")
    }
}

private func parts(_ input: [UInt8]) -> (body: [UInt8], target: Message) {
    let mark = Array("\n%\n".utf8)
    guard let place = input.indices.first(where: { input[$0...].starts(with: mark) }),
        let read = try? ObjectCodec.decode(Array(input[(place + mark.count)...]), .json)
    else { return (input, pod) }
    return (Array(input[..<place]), read.object)
}

private let pod: Message = {
    let json = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"x":"1"},
        "finalizers":["a/b","c/d"]},"spec":{"nodeSelector":{"k":"v"},"tolerations":[{"key":"t"}],
        "containers":[{"name":"a","image":"i","env":[{"name":"e","value":"1"}],
        "ports":[{"containerPort":80,"protocol":"TCP"}]},{"name":"b"}],
        "volumes":[{"name":"v","emptyDir":{}}]}}
        """
    guard let read = try? ObjectCodec.decode(Array(json.utf8), .json) else {
        fatalError("the pod of the fuzz target is not well")
    }
    return read.object
}()
