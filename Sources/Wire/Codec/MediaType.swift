/// An encoding of objects, as HTTP names it.
public enum MediaType: String, Sendable, CaseIterable {
    case json = "application/json"
    case yaml = "application/yaml"
    case protobuf = "application/vnd.kubernetes.protobuf"

    /// The encoding of a Content-Type or of one part of an Accept header, parameters aside; nil if
    /// it is not served. An empty one is JSON, as with kube-apiserver.
    public init?(header: some StringProtocol) {
        let name = header.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        guard !name.isEmpty else {
            self = .json
            return
        }
        self.init(rawValue: name)
    }
}
