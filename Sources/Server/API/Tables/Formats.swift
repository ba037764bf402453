import Kubernetes
import Wire

// How Kubernetes shows labels, containers and lists in a cell.

/// What stands where there is nothing.
let nothing = "<none>"
let unset = "<unset>"
let unknown = "<unknown>"

extension String {
    /// The text, or a mark if it is empty.
    func or(_ mark: String) -> String { isEmpty ? mark : self }
}

extension [String: String] {
    /// `a=b,c=d`, by key.
    var shown: String {
        sorted { $0.key.precedes($1.key) }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
            .or(nothing)
    }
}

extension MetaV1.LabelSelector? {
    /// As in a query: `app in (a,b),tier=web`.
    var shown: String {
        do {
            return try LabelSelector(object: self?.tree).description.or(nothing)
        } catch {
            return "<error>"
        }
    }
}

extension [String] {
    /// The first few, and how many more there are.
    func shown(max: Int) -> String {
        let first = prefix(max).joined(separator: ",")
        return count > max ? "\(first) + \(count - max) more..." : first
    }

    var joined: String { joined(separator: ",") }
}

extension [CoreV1.Container] {
    var names: String { map(\.name).joined }
    var images: String { map(\.image).joined }
}

extension Bool? {
    var shown: String {
        switch self {
        case true?: "True"
        case false?: "False"
        case nil: unset
        }
    }
}

/// The columns that show what pods of a template run.
func podColumns<Subject>(
    _ spec: @escaping @Sendable (Subject) -> CoreV1.PodSpec
) -> [Column<Subject>] {
    [
        Column.string("Containers") { spec($0.subject).containers.names }.wide,
        Column.string("Images") { spec($0.subject).containers.images }.wide,
    ]
}
