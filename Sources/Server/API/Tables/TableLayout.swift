public import Wire

/// How objects of one kind are printed as a table.
public struct TableLayout: Sendable {
    /// Something worth knowing of a row as a whole: a pod that has completed.
    public struct RowCondition: Hashable, Sendable {
        public let type: String
        public let reason: String
        public let message: String
    }

    public let columns: [TableColumn]
    private let makeCells: @Sendable (Message, Timestamp) -> [Value]
    private let makeCondition: @Sendable (Message) -> RowCondition?

    /// - Parameter read: Computes what the columns show, once an object.
    init<Subject>(
        _ columns: [Column<Subject>],
        condition: @escaping @Sendable (Message) -> RowCondition? = { _ in nil },
        read: @escaping @Sendable (Message) -> Subject
    ) {
        self.columns = columns.map(\.definition)
        makeCondition = condition
        makeCells = { object, now in
            let row = Row(object: object, subject: read(object), now: now)
            return columns.map { $0.cell(row) }
        }
    }

    /// For a kind, by the typed view of its objects.
    init<View: MessageView>(_ view: View.Type, _ columns: [Column<View>]) {
        self.init(columns) { View($0) ?? View() }
    }

    /// What stands in each column: strings, integers and booleans.
    public func cells(of object: Message, now: Timestamp) -> [Value] { makeCells(object, now) }

    /// What is to be said of the whole row; mostly nothing.
    public func condition(of object: Message) -> RowCondition? { makeCondition(object) }

    /// The layout of a kind; those without one of their own show name and creation.
    public static func layout(of type: MessageType) -> TableLayout {
        byType[ObjectIdentifier(type)] ?? plain
    }

    private static let plain = TableLayout(
        [Column<Message>.name, .createdAt(.date)], read: { $0 })

    private static let byType: [ObjectIdentifier: TableLayout] = {
        var byType: [ObjectIdentifier: TableLayout] = [:]
        for entries in [coreLayouts, nodeAndEventLayouts, storageLayouts, workloadLayouts,
                        networkLayouts, accessLayouts, autoscalingLayouts, otherLayouts] {
            for (type, layout) in entries { byType[ObjectIdentifier(type)] = layout }
        }
        return byType
    }()

    /// Layouts by the type of the objects; the files in Kinds/ fill them.
    typealias Entries = [(MessageType, TableLayout)]

    /// A layout with its type, as the files in Kinds/ list them.
    static func of<View: MessageView>(
        _ view: View.Type, _ columns: [Column<View>]
    ) -> (MessageType, TableLayout) {
        (View.messageType, TableLayout(view, columns))
    }
}
