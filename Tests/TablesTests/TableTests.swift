import APIErrors
import Examples
import Kubernetes
import Tables
import Testing
import Wire

/// An hour after the objects of the cases were made.
private let now = Timestamp(seconds: 1_767_225_600 + 3600)

private func object(_ json: String) throws -> Message {
    try ObjectCodec.decode(Array(json.utf8), .json).object
}

@Suite("Tables")
struct TableTests {
    @Test("show of an object what kubectl get shows", arguments: try Example.load("rows"))
    func rows(_ example: Example) throws {
        let object = try object(example.given)
        let layout = TableLayout.layout(of: object.type)
        let cells = layout.cells(of: object, now: now)
        #expect(cells.count == layout.columns.count)
        var shown = cells.map { cell in
            switch cell {
            case .string(let text): text
            case .int(let number): String(number)
            case .bool(let bool): String(bool)
            default: "\(cell)"
            }
        }.joined(separator: " | ")
        if let condition = layout.condition(of: object) {
            shown += "\ncondition \(condition.type) \(condition.reason)"
        }
        #expect(shown == example.expected)
    }

    @Test("have a name and cells for all kinds, even of empty objects")
    func everyKind() {
        for type in Schema.resourceTypes {
            let layout = TableLayout.layout(of: type)
            #expect(layout.columns.contains { $0.isName }, "\(type.name)")
            let cells = layout.cells(of: Message(type), now: now)
            #expect(cells.count == layout.columns.count, "\(type.name)")
        }
    }

    @Test("carry of the object what was asked for")
    func included() throws {
        let secret = try object(
            #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"type":"Opaque"}"#)
        func table(_ included: IncludedObject) throws -> String {
            var writer = ByteWriter()
            TableWriter.write(
                [secret], of: secret.type, list: MetaV1.ListMeta { $0.resourceVersion = "7" },
                included: included, showsColumns: included == .object, now: now, into: &writer)
            let bytes = writer.array()
            _ = try Value(json: bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(try table(.none) == #"{"kind":"Table","apiVersion":"meta.k8s.io/v1","#
            + #""metadata":{"resourceVersion":"7"},"columnDefinitions":null,"rows":[{"cells":"#
            + #"["s","Opaque",0,"\u003cunknown\u003e"],"object":null}]}"#)
        #expect(try table(.metadata).contains(#""object":{"kind":"PartialObjectMetadata","#
            + #""apiVersion":"meta.k8s.io/v1","metadata":{"name":"s"}}"#))
        #expect(try table(.object).contains(#""object":{"kind":"Secret","apiVersion":"v1","#))
        #expect(try table(.object).contains(#"{"name":"Name","type":"string","format":"name","#))
        #expect(throws: APIError.badRequest("Unable to convert to Table as requested: "
            + "includeObject: Invalid value: \"Half\": must be 'Metadata', 'Object', 'None', "
            + "or empty")) { try IncludedObject(parameter: "Half") }
    }

    @Test("say how long ago as people do", arguments: [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (123, "2m3s"),
        (600, "10m"), (10_799, "179m"), (10_800, "3h"), (11_100, "3h5m"), (28_800, "8h"),
        (172_799, "47h"), (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"),
        (63_072_000, "2y"), (64_000_000, "2y10d"), (252_288_000, "8y"),
    ])
    func durations(_ seconds: Int64, _ text: String) {
        #expect(humanDuration(seconds: seconds) == text)
    }
}

@Suite("Tables, as a real server answered them")
struct RecordedTableTests {
    private static let files = ["tables", "tables-more"].map { "conformance/recorded/\($0).json" }

    /// The columns of each recorded table, with the request that it answered.
    private static func tables() throws -> [(request: String, columns: [String])] {
        var tables: [(String, [String])] = []
        for file in files {
            guard case .list(let steps) = try Value(json: SharedFacts.bytes(file)) else { continue }
            for case .map(let step) in steps {
                guard case .string(let request)? = step["request"],
                    case .map(let body)? = step["body"], body["kind"] == .string("Table"),
                    case .list(let columns)? = body["columnDefinitions"]
                else { continue }
                tables.append((request, columns.map(line)))
            }
        }
        return tables
    }

    private static func line(_ column: Value) -> String {
        guard case .map(let map) = column else { return "" }
        return ["name", "type", "format", "priority"].map { key in
            switch map[key] {
            case .string(let text)?: text
            case .int(let number)?: String(number)
            default: ""
            }
        }.joined(separator: ",")
    }

    private static func type(of request: String) -> MessageType? {
        let path = request.split(separator: " ")[1].prefix { $0 != "?" }
        let parts = path.split(separator: "/")
        for part in parts.reversed() {
            let type = Schema.resourceTypes.first { type in
                type.resource?.name == String(part)
                    && (type.group.isEmpty ? parts[0] == "api" : type.group == parts[1])
            }
            if let type { return type }
        }
        return nil
    }

    @Test("have the same columns",
          .enabled(if: files.allSatisfy { SharedFacts.has($0) }, "recordings are not there"))
    func columns() throws {
        let tables = try Self.tables()
        #expect(tables.count == 16)
        for table in tables {
            let type = try #require(Self.type(of: table.request), "\(table.request)")
            let own = TableLayout.layout(of: type).columns.map { column in
                "\(column.name),\(column.kind.rawValue),\(column.isName ? "name" : ""),"
                    + (column.isWide ? "1" : "0")
            }
            #expect(own == table.columns, "\(table.request)")
        }
    }
}
