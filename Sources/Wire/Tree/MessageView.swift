/// A typed look at a tree. tools/generate makes one for each message of proto/.
public protocol MessageView: FieldValue, Hashable, Sendable {
    static var messageType: MessageType { get }
    var tree: Message { get set }
    /// `tree` must be of ``messageType``.
    init(unchecked tree: Message)
}

extension MessageView {
    /// An empty object.
    public init() { self.init(unchecked: Message(Self.messageType)) }

    /// The view of a tree, or nil if the tree is of another type.
    public init?(_ tree: Message) {
        guard tree.type === Self.messageType else { return nil }
        self.init(unchecked: tree)
    }

    /// An empty object that `fill` then fills.
    public init(_ fill: (inout Self) -> Void) {
        self.init()
        fill(&self)
    }

    public init?(_ value: Value) {
        guard case .message(let message) = value else { return nil }
        self.init(message)
    }

    public var value: Value { .message(tree) }
    public static var zero: Self { Self() }
}

/// A Swift type that a field's value can be read as and set from.
public protocol FieldValue {
    /// Nil if `value` is of another sort.
    init?(_ value: Value)
    var value: Value { get }
    /// What an absent field reads as.
    static var zero: Self { get }
}

extension Message {
    /// A field that does not tell empty from absent.
    public func get<T: FieldValue>(_ number: Int) -> T { self[number].flatMap(T.init) ?? T.zero }

    /// A field that may be absent.
    public func optional<T: FieldValue>(_ number: Int) -> T? { self[number].flatMap(T.init) }

    public mutating func set(_ number: Int, _ newValue: some FieldValue) {
        self[number] = newValue.value
    }

    public mutating func set(_ number: Int, optional newValue: (some FieldValue)?) {
        self[number] = newValue?.value
    }

    /// A message within this one; an empty one if it is absent.
    public func view<View: MessageView>(_ number: Int) -> View { get(number) }

    /// A message within this one, changed in place.
    public subscript<View: MessageView>(view number: Int) -> View {
        get { view(number) }
        _modify {
            var view: View = modify(number) { value in
                let view = value.flatMap(View.init) ?? View()
                value = .null
                return view
            }
            defer { self[number] = view.value }
            yield &view
        }
    }
}

extension String: FieldValue {
    public init?(_ value: Value) {
        guard case .string(let string) = value else { return nil }
        self = string
    }
    public var value: Value { .string(self) }
    public static var zero: String { "" }
}

extension Bool: FieldValue {
    public init?(_ value: Value) {
        guard case .bool(let bool) = value else { return nil }
        self = bool
    }
    public var value: Value { .bool(self) }
    public static var zero: Bool { false }
}

extension Int: FieldValue {
    public init?(_ value: Value) {
        guard case .int(let int) = value else { return nil }
        self = Int(int)
    }
    public var value: Value { .int(Int64(self)) }
}

extension Double: FieldValue {
    public init?(_ value: Value) {
        switch value {
        case .double(let double): self = double
        case .int(let int): self = Double(int)
        default: return nil
        }
    }
    public var value: Value { .double(self) }
}

extension UInt8: FieldValue {
    public init?(_ value: Value) { return nil }
    public var value: Value { .int(Int64(self)) }
}

extension Array: FieldValue where Element: FieldValue {
    public init?(_ value: Value) {
        switch value {
        case .list(let list): self = list.compactMap(Element.init)
        case .bytes(let bytes): // the only array that is no list is [UInt8]
            guard let bytes = bytes as? [Element] else { return nil }
            self = bytes
        default: return nil
        }
    }
    public var value: Value {
        if let bytes = self as? [UInt8] { return .bytes(bytes) }
        return .list(map(\.value))
    }
    public static var zero: [Element] { [] }
}

extension Dictionary: FieldValue where Key == String, Value: FieldValue {
    public init?(_ value: Wire.Value) {
        guard case .map(let map) = value else { return nil }
        self.init(minimumCapacity: map.count)
        for entry in map.entries { self[entry.key] = Value(entry.value) }
    }
    public var value: Wire.Value {
        .map(ValueMap(sorted { $0.key.precedes($1.key) }.map { ($0.key, $0.value.value) }))
    }
    public static var zero: [String: Value] { [:] }
}
