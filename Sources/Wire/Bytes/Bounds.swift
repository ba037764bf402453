/// What untrusted input may cost.
public enum Bounds {
    /// Bytes of one object, in any encoding: what kube-apiserver accepts as a body.
    public static let objectBytesMax = 3 * 1024 * 1024
    /// Messages, lists and maps within each other.
    public static let depthMax = 100
    /// Warnings collected about one object; later ones are dropped, as Kubernetes drops them.
    public static let issuesMax = 100
    /// Times that one object may come back to a field that it has left, or say it again: each time
    /// may cost as much as what is there already.
    public static let returnsMax = 1000
    /// Nodes that the aliases of one YAML document may expand to.
    public static let yamlNodesMax = 1_000_000
}
