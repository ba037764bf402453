import Kubernetes
import Wire

/// A column of a table: what `kubectl get` shows of each object.
public struct TableColumn: Hashable, Sendable {
    public enum Kind: String, Sendable { case string, integer, boolean, date }

    public let name: String
    public let kind: Kind
    /// The object's name, which clients may turn into `pod/NAME`.
    public var isName = false
    /// Shown with `-o wide` only.
    public var isWide = false

    /// What the column means, for clients that explain tables.
    var description: String {
        switch name {
        case "Name": "Name of the object; unique within its namespace."
        case "Age": "How long ago the object was created."
        case "Created At": "When the object was created."
        default: ""
        }
    }
}

/// One object that is printed, and when.
struct Row<Subject> {
    let object: Message
    /// The object's view, or what was computed from it once for all columns.
    let subject: Subject
    let now: Timestamp

    var metadata: MetaV1.ObjectMeta {
        object["metadata"].flatMap { MetaV1.ObjectMeta($0) } ?? MetaV1.ObjectMeta()
    }

    /// How long ago a time is, as people say it.
    func age(of time: Timestamp?) -> String { humanAge(of: time, now: now) }
}

/// How long ago a time is, as people say it.
func humanAge(of time: Timestamp?, now: Timestamp) -> String {
    guard let time else { return "<unknown>" }
    return humanDuration(seconds: secondsPassed(from: time, to: now))
}

/// Cut off towards zero, as Go does.
private func secondsPassed(from time: Timestamp, to now: Timestamp) -> Int64 {
    let seconds = now.seconds - time.seconds
    let nanoseconds = Int64(now.nanoseconds) - Int64(time.nanoseconds)
    if seconds > 0, nanoseconds < 0 { return seconds - 1 }
    if seconds < 0, nanoseconds > 0 { return seconds + 1 }
    return seconds
}

/// A column with the way to its cell.
struct Column<Subject>: Sendable {
    let definition: TableColumn
    let cell: @Sendable (Row<Subject>) -> Value

    static func string(
        _ name: String, _ cell: @escaping @Sendable (Row<Subject>) -> String
    ) -> Self {
        Self(definition: TableColumn(name: name, kind: .string)) { .string(cell($0)) }
    }

    /// A number in a column that calls itself a string, as some of Kubernetes' do.
    static func count(_ name: String, _ cell: @escaping @Sendable (Row<Subject>) -> Int) -> Self {
        Self(definition: TableColumn(name: name, kind: .string)) { .int(Int64(cell($0))) }
    }

    static func integer(_ name: String, _ cell: @escaping @Sendable (Row<Subject>) -> Int) -> Self {
        Self(definition: TableColumn(name: name, kind: .integer)) { .int(Int64(cell($0))) }
    }

    static func boolean(
        _ name: String, _ cell: @escaping @Sendable (Row<Subject>) -> Bool
    ) -> Self {
        Self(definition: TableColumn(name: name, kind: .boolean)) { .bool(cell($0)) }
    }

    static var name: Self {
        name { $0.metadata.name }
    }

    static func name(_ cell: @escaping @Sendable (Row<Subject>) -> String) -> Self {
        let definition = TableColumn(name: "Name", kind: .string, isName: true)
        return Self(definition: definition) { .string(cell($0)) }
    }

    static var age: Self {
        string("Age") { $0.age(of: $0.metadata.creationTimestamp) }
    }

    static var createdAt: Self { createdAt(.string) }

    static func createdAt(_ kind: TableColumn.Kind) -> Self {
        Self(definition: TableColumn(name: "Created At", kind: kind)) {
            .string($0.metadata.creationTimestamp?.rfc3339 ?? "<unknown>")
        }
    }

    /// The same column, shown with `-o wide` only.
    var wide: Self {
        var definition = definition
        definition.isWide = true
        return Self(definition: definition, cell: cell)
    }
}
