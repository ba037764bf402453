/// A message as a tree: the fields that are there, by number.
///
/// A field that is not of presence `.optional` never holds a zero value (``Value/isZero``): setting
/// one removes the field, so that equal objects have equal trees.
public struct Message: Sendable {
    @usableFromInline
    struct Slot: Hashable, Sendable {
        @usableFromInline let number: Int
        @usableFromInline var value: Value
    }

    public let type: MessageType
    /// In the order of numbers.
    @usableFromInline var slots: [Slot] = []

    public init(_ type: MessageType) { self.type = type }

    /// Nothing is set.
    public var isEmpty: Bool { slots.isEmpty }

    /// The numbers of the fields that are there, ascending, each with its value.
    public var contents: some Sequence<(number: Int, value: Value)> {
        slots.lazy.map { ($0.number, $0.value) }
    }

    /// The value of a field, or nil. O(fields that are there), which are few.
    ///
    /// Setting traps on a number that the type has not: that is a mistake of the program.
    public subscript(number: Int) -> Value? {
        get {
            let index = position(of: number)
            return holds(number, at: index) ? slots[index].value : nil
        }
        set {
            let index = position(of: number)
            let kept = newValue.flatMap { keeps($0, number) ? $0 : nil }
            switch (holds(number, at: index), kept) {
            case (true, let value?): slots[index].value = value
            case (true, nil): slots.remove(at: index)
            case (false, let value?): slots.insert(Slot(number: number, value: value), at: index)
            case (false, nil): break
            }
        }
    }

    /// Changes a field in place, without copying what it holds. `nil` stands for absent.
    public mutating func modify<Result>(
        _ number: Int, _ body: (inout Value?) throws -> Result
    ) rethrows -> Result {
        let index = position(of: number)
        guard holds(number, at: index) else {
            var value: Value?
            defer { self[number] = value }
            return try body(&value)
        }
        var value: Value? = slots[index].value
        slots[index].value = .null
        defer { self[number] = value }
        return try body(&value)
    }

    private func keeps(_ value: Value, _ number: Int) -> Bool {
        guard let field = type.field(number) else {
            preconditionFailure("\(type.name) has no field \(number)")
        }
        return field.presence == .optional || !value.isZero
    }

    /// The index of the first slot whose number is not less than `number`.
    @usableFromInline
    func position(of number: Int) -> Int {
        var index = slots.count
        while index > 0, slots[index - 1].number >= number { index -= 1 }
        return index
    }

    @usableFromInline
    func holds(_ number: Int, at index: Int) -> Bool {
        index < slots.count && slots[index].number == number
    }
}

extension Message: Hashable {
    public static func == (a: Message, b: Message) -> Bool {
        a.type === b.type && a.slots == b.slots
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(slots)
    }
}

extension Message {
    /// The value of a field by its JSON name.
    public subscript(name: String) -> Value? {
        get { type.field(name).flatMap { self[$0.number] } }
        set {
            guard let field = type.field(name) else {
                preconditionFailure("\(type.name) has no field \(name)")
            }
            self[field.number] = newValue
        }
    }

    /// Sets a field without looking for its place: `number` must be above all that are there, and
    /// the value must be one that the field keeps. For decoders, which meet fields in order.
    mutating func append(_ number: Int, _ value: Value) {
        slots.append(Slot(number: number, value: value))
    }

    /// Sets a field of this type, without looking for its description.
    mutating func set(_ field: Field, _ value: Value) {
        let number = field.number
        let index = position(of: number)
        let keeps = field.presence == .optional || !value.isZero
        switch (holds(number, at: index), keeps) {
        case (true, true): slots[index].value = value
        case (true, false): slots.remove(at: index)
        case (false, true) where index == slots.count:
            slots.append(Slot(number: number, value: value))
        case (false, true): slots.insert(Slot(number: number, value: value), at: index)
        case (false, false): break
        }
    }

    /// Removes a field and returns what it held.
    mutating func take(_ number: Int) -> Value? {
        let index = position(of: number)
        return holds(number, at: index) ? slots.remove(at: index).value : nil
    }

    /// The number of the last field that is there, or 0.
    var lastNumber: Int { slots.last?.number ?? 0 }
}
