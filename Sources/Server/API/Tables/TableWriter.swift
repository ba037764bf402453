public import APIErrors
public import Kubernetes
public import Wire

/// What a row of a table carries of its object: the parameter `includeObject`.
public enum IncludedObject: String, Sendable {
    case none = "None"
    case metadata = "Metadata"
    case object = "Object"

    /// - Parameter parameter: As in the query; empty for the default, metadata.
    /// - Throws: 400 in Kubernetes' words.
    public init(parameter: String) throws(APIError) {
        guard !parameter.isEmpty else {
            self = .metadata
            return
        }
        guard let known = Self(rawValue: parameter) else {
            throw .badRequest("Unable to convert to Table as requested: includeObject: "
                + "Invalid value: \(parameter.quoted): must be 'Metadata', 'Object', 'None', "
                + "or empty")
        }
        self = known
    }
}

/// Writes objects as a `Table` of meta.k8s.io/v1 in JSON, one row at a time.
///
/// ``begin(list:showsColumns:into:)``, then a row for each object, then ``end(into:)``. Nothing is
/// kept between the calls but whether a row came before.
public struct TableWriter: Sendable {
    private let type: MessageType
    private let layout: TableLayout
    private let included: IncludedObject
    private let apiVersion: String
    private let now: Timestamp
    private var hasRows = false

    /// - Parameter apiVersion: `meta.k8s.io/v1`, or `meta.k8s.io/v1beta1` for old clients.
    public init(of type: MessageType, included: IncludedObject, apiVersion: String = Self.version,
                now: Timestamp) {
        self.type = type
        layout = TableLayout.layout(of: type)
        self.included = included
        self.apiVersion = apiVersion
        self.now = now
    }

    public static let version = "meta.k8s.io/v1"

    /// Everything up to the first row.
    ///
    /// - Parameter showsColumns: False for the second and further events of a watch.
    public func begin(
        list: MetaV1.ListMeta, showsColumns: Bool = true, into writer: inout ByteWriter
    ) {
        writer.append("{\"kind\":\"Table\",\"apiVersion\":")
        write(apiVersion, into: &writer)
        writer.append(",\"metadata\":")
        JSONWriter.write(.message(list.tree), into: &writer)
        writer.append(",\"columnDefinitions\":")
        if showsColumns { writeColumns(into: &writer) } else { writer.append("null") }
        writer.append(",\"rows\":[")
    }

    /// The row of one object.
    public mutating func write(_ object: Message, into writer: inout ByteWriter) {
        if hasRows { writer.append(UInt8(ascii: ",")) }
        hasRows = true
        writer.append("{\"cells\":")
        JSONWriter.write(.list(layout.cells(of: object, now: now)), into: &writer)
        if let condition = layout.condition(of: object) { write(condition, into: &writer) }
        writer.append(",\"object\":")
        switch included {
        case .none: writer.append("null")
        case .object: JSONWriter.write(object: object, into: &writer)
        case .metadata:
            writer.append("{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":")
            write(apiVersion, into: &writer)
            writer.append(",\"metadata\":")
            JSONWriter.write(object["metadata"] ?? .map(ValueMap()), into: &writer)
            writer.append("}")
        }
        writer.append("}")
    }

    /// What comes after the last row.
    public func end(into writer: inout ByteWriter) { writer.append("]}") }

    /// A whole table: for one object, and for one event of a watch.
    public static func write(
        _ objects: [Message], of type: MessageType, list: MetaV1.ListMeta,
        included: IncludedObject, apiVersion: String = Self.version, showsColumns: Bool = true,
        now: Timestamp, into writer: inout ByteWriter
    ) {
        var table = TableWriter(of: type, included: included, apiVersion: apiVersion, now: now)
        table.begin(list: list, showsColumns: showsColumns, into: &writer)
        for object in objects { table.write(object, into: &writer) }
        table.end(into: &writer)
    }

    private func writeColumns(into writer: inout ByteWriter) {
        var separator: StaticString = "["
        for column in layout.columns {
            writer.append(separator)
            separator = ","
            writer.append("{\"name\":")
            write(column.name, into: &writer)
            writer.append(",\"type\":")
            write(column.kind.rawValue, into: &writer)
            writer.append(column.isName ? ",\"format\":\"name\"" : ",\"format\":\"\"")
            writer.append(",\"description\":")
            write(column.description, into: &writer)
            writer.append(column.isWide ? ",\"priority\":1}" : ",\"priority\":0}")
        }
        writer.append("]")
    }

    private func write(_ condition: TableLayout.RowCondition, into writer: inout ByteWriter) {
        writer.append(",\"conditions\":[{\"type\":")
        write(condition.type, into: &writer)
        writer.append(",\"status\":\"True\",\"reason\":")
        write(condition.reason, into: &writer)
        writer.append(",\"message\":")
        write(condition.message, into: &writer)
        writer.append("}]")
    }

    private func write(_ text: String, into writer: inout ByteWriter) {
        JSONWriter.write(.string(text), into: &writer)
    }
}
