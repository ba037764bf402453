extension JSONPatch {
    /// `document` after all operations.
    ///
    /// - Throws: ``PatchError/inapplicable(_:)`` if one of them fails.
    public func apply(to document: Value) throws(PatchError) -> Value {
        var application = Application(document: document)
        for operation in operations { try application.perform(operation) }
        return application.document
    }

    /// A document on the way through the operations.
    private struct Application {
        var document: Value
        var copiedBytes = 0

        mutating func perform(_ operation: Operation) throws(PatchError) {
            switch operation {
            case .add(let path, let value): try add(value, at: path)
            case .remove(let path): try exchange("remove", path, with: nil)
            case .replace("", let value): document = value
            case .replace(let path, let value): try exchange("replace", path, with: value)
            case .move(let from, let to):
                let value = try value(at: from)
                try exchange("move", from, with: nil)
                try add(value, at: to)
            case .copy(let from, let to): try copy(from, to: to)
            case .test(let path, let expected):
                guard (try pointer(path).value(in: document) ?? .null) == expected else {
                    throw .inapplicable("testing value \(path) failed")
                }
            case .unknown(let name):
                throw .inapplicable("Unexpected kind: \(name)")
            }
        }

        private mutating func copy(_ from: String, to: String) throws(PatchError) {
            let value = try value(at: from)
            copiedBytes += value.json.count
            guard copiedBytes <= JSONPatch.copiedBytesMax else {
                throw .inapplicable(
                    "Unable to complete the copy, the accumulated size increase of copy is "
                        + "\(copiedBytes), exceeding the limit \(JSONPatch.copiedBytesMax)")
            }
            try add(value, at: to)
        }

        private mutating func add(_ value: Value, at path: String) throws(PatchError) {
            let tokens = try pointer(path).tokens
            if tokens.isEmpty {
                document = value
                return
            }
            let isDone = document.change(at: tokens[...]) { holder, token in
                switch holder {
                case .map(var map):
                    holder = .null
                    map[token] = value
                    holder = .map(map)
                case .list(var list):
                    let index = token == "-"
                        ? list.count : JSONPointer.index(token, count: list.count)
                    guard let index else { return false }
                    holder = .null
                    list.insert(value, at: index)
                    holder = .list(list)
                default: return false
                }
                return true
            }
            guard isDone else { throw Self.missing("add", path) }
        }

        /// Puts `value`, or nothing, in the place of what is there.
        private mutating func exchange(
            _ operation: String, _ path: String, with value: Value?
        ) throws(PatchError) {
            let isDone = try document.change(at: pointer(path).tokens[...]) { holder, token in
                switch holder {
                case .map(var map):
                    guard map[token] != nil else { return false }
                    holder = .null
                    map[token] = value
                    holder = .map(map)
                case .list(var list):
                    guard let index = JSONPointer.index(token, count: list.count),
                        index < list.count
                    else { return false }
                    holder = .null
                    list.replaceSubrange(index...index, with: value.map { [$0] } ?? [])
                    holder = .list(list)
                default: return false
                }
                return true
            }
            guard isDone else { throw Self.missing(operation, path) }
        }

        private func value(at path: String) throws(PatchError) -> Value {
            guard let value = try pointer(path).value(in: document) else {
                throw Self.missing("copy or move", path)
            }
            return value
        }

        private func pointer(_ path: String) throws(PatchError) -> JSONPointer {
            guard let pointer = JSONPointer(path) else { throw Self.missing("an", path) }
            return pointer
        }

        private static func missing(_ operation: String, _ path: String) -> PatchError {
            .inapplicable("\(operation) operation does not apply: doc is missing path: \(path)")
        }
    }
}
