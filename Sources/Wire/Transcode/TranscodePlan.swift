/// The schema in flat tables, for the transcoder.
///
/// A walk over classes and arrays would retain and release at each field, which measured several
/// times the work itself.
struct TranscodePlan: Sendable {
    struct Field: BitwiseCopyable {
        /// `"name":`
        let key: FixedBytes
        let number: Int32
        /// Index of the message of an element, or -1.
        let message: Int32
        let kind: FieldKind
        let isAlwaysWritten: Bool
        let isNullWhereAbsent: Bool
        let isList: Bool
        let isMap: Bool
        let isInline: Bool
        let saysKind: Bool
    }

    struct Message: BitwiseCopyable {
        /// `{"kind":"Pod","apiVersion":"v1"`, or `{` if it is no kind.
        let opening: FixedBytes
        /// Its fields in ``fields``, in JSON's order.
        let firstField: Int32
        /// At most 64.
        let fieldCount: Int32
        /// Places of fields that are looked at even if they are not there: those that are always
        /// written, and inlined messages.
        let written: UInt64
        /// Its numbers in ``positions``.
        let firstPosition: Int32
        let numberMax: Int32
        let form: Form
    }

    let messages: FixedTable<Message>
    let fields: FixedTable<Field>
    /// For each number of a message, from 0, the field's place in JSON's order, or 255.
    let positions: FixedTable<UInt8>

    static let shared = TranscodePlan(Schema.messageTypes)

    private init(_ types: [MessageType]) {
        let indices = Dictionary(uniqueKeysWithValues: types.enumerated().map { ($1, $0) })
        var messages: [Message] = []
        var fields: [Field] = []
        var positions: [UInt8] = []
        for type in types {
            let numberMax = type.fieldsByNumber.last?.number ?? 0
            messages.append(Message(
                opening: TranscodePlan.opening(type), firstField: Int32(fields.count),
                fieldCount: Int32(type.fields.count), written: TranscodePlan.written(type),
                firstPosition: Int32(positions.count), numberMax: Int32(numberMax),
                form: type.form))
            var places = [UInt8](repeating: .max, count: numberMax + 1)
            for (place, field) in type.fields.enumerated() {
                places[field.number] = UInt8(place)
                let message = field.type.flatMap { indices[$0] } ?? -1
                fields.append(Field(field, message: message))
            }
            positions += places
        }
        self.messages = FixedTable(immortal: messages)
        self.fields = FixedTable(immortal: fields)
        self.positions = FixedTable(immortal: positions)
    }

    private static func written(_ type: MessageType) -> UInt64 {
        precondition(type.fields.count <= 64, "\(type.name) has too many fields")
        var places: UInt64 = 0
        for (place, field) in type.fields.enumerated()
        where field.isInline || field.isAlwaysWritten { places |= 1 << UInt64(place) }
        return places
    }

    private static func opening(_ type: MessageType) -> FixedBytes {
        guard type.isKind else { return FixedBytes("{") }
        let version = type.clientAPIVersion
        return FixedBytes(immortal: "{\"kind\":\"\(type.kind)\",\"apiVersion\":\"\(version)\"")
    }
}

extension TranscodePlan.Field {
    fileprivate init(_ field: Field, message: Int) {
        key = field.keyBytes
        number = Int32(field.number)
        self.message = Int32(message)
        kind = field.kind
        isAlwaysWritten = field.isAlwaysWritten
        isNullWhereAbsent = field.isNullWhereAbsent
        isList = field.isList
        isMap = field.isMap
        isInline = field.isInline
        saysKind = field.saysKind
    }
}
