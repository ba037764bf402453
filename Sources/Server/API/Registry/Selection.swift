import APIErrors
import Synchronization
import Wire

/// Which objects of a collection a list or watch is about.
public struct Selection: Sendable {
    private let labels: LabelSelector
    private let fields: FieldSelector
    private let selectable: SelectableFields
    private let conversion: Conversion?
    /// The one name that is selected, if so.
    let onlyName: String?
    let isEverything: Bool
    /// Whether name, namespace and labels decide, which can be read without decoding the object.
    private let needsTree: Bool

    /// Reads the two selectors of a list or watch.
    ///
    /// A name that the path asks for, as old watches of one object do, is selected, too.
    ///
    /// - Throws: 400, in Kubernetes' words, for selectors that cannot be read or fields that the
    ///   kind has no selector for.
    init(_ operation: Operation) throws(APIError) {
        let parameters = operation.list
        conversion = operation.conversion
        selectable = Self.selectableFields(of: operation.servedType)
        do throws(SelectorError) {
            labels = parameters.labelSelector.isEmpty
                ? .everything : try LabelSelector(parsing: parameters.labelSelector)
            var requirements: [FieldSelector.Requirement] = []
            if !parameters.fieldSelector.isEmpty {
                let selector = try FieldSelector(parsing: parameters.fieldSelector)
                try selectable.check(selector)
                requirements = selector.requirements
            }
            if let name = operation.name {
                requirements.append(.init(field: "metadata.name", value: name))
            }
            fields = FieldSelector(requirements)
        } catch { throw .badRequest(error.description) }
        onlyName = fields.exactValue(of: "metadata.name")
        isEverything = labels.isEverything && fields.isEverything
        needsTree = fields.requirements.contains {
            $0.field != "metadata.name" && $0.field != "metadata.namespace"
        }
    }

    /// Whether an object, as stored, is selected.
    func matches(_ bytes: RawSpan, type: MessageType) -> Bool {
        if isEverything { return true }
        guard let header = try? ObjectHeader(bytes), matches(header) else { return false }
        guard needsTree else { return true }
        guard let tree = try? ObjectCodec.message(bytes, as: type) else { return false }
        return selectable.matches(fields, conversion?.served(tree) ?? tree)
    }

    /// What was read from an object's bytes for one selection, and serves others too: there may
    /// be thousands that ask about the same. A few hundred bytes.
    struct Reading: Sendable {
        fileprivate var header: ObjectHeader?
        /// As the stored type has them.
        fileprivate var fields: [String: String]?
    }

    /// As ``matches(_:type:)``, reading only what `reading` does not have.
    func matches(_ bytes: [UInt8], type: MessageType, _ reading: inout Reading) -> Bool {
        if isEverything { return true }
        if reading.header == nil { reading.header = try? ObjectHeader(bytes) }
        guard let header = reading.header, matches(header) else { return false }
        guard needsTree else { return true }
        guard conversion == nil else { return unsafe matches(bytes.span.bytes, type: type) }
        if reading.fields == nil, let tree = try? ObjectCodec.message(bytes, as: type) {
            reading.fields = selectable.texts(in: tree)
        }
        guard let texts = reading.fields else { return false }
        return fields.matches { texts[$0] ?? "" }
    }

    /// Whether an object of this header is selected, as far as the header tells.
    private func matches(_ header: ObjectHeader) -> Bool {
        guard labels.isEverything || labels.matches(header) else { return false }
        return needsTree
            || fields.matches { $0 == "metadata.name" ? header.name : header.namespace }
    }

    private static let known = Mutex<[MessageType: SelectableFields]>([:])

    private static func selectableFields(of type: MessageType) -> SelectableFields {
        known.withLock { known in
            if let fields = known[type] { return fields }
            let fields = SelectableFields(of: type)
            known[type] = fields
            return fields
        }
    }
}

extension ObjectHeader: LabelSource {
    public func value(ofLabel key: String) -> String.UTF8View? { label(key)?.utf8 }
}
