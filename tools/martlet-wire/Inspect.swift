import ArgumentParser
import Wire

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show protobuf field by field: offset, number, name, type and value.",
        discussion: "Fields that the schema does not know are shown too, with ? for a name.")

    @OptionGroup var input: Input

    func run() throws {
        try reporting {
            let name = Files.shown(input.path, "standard input")
            var bytes = try Files.read(input.path)
            if Gzip.isCompressed(bytes) { bytes = try Gzip.expand(bytes) }
            var lines: [String] = []
            var failure: Failure?
            for place in try Frames.split(bytes, name) where failure == nil {
                failure = inspect(bytes, place, name, &lines)
            }
            try Files.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: "-")
            if let failure { throw failure }
        }
    }

    /// Adds an object's lines, and returns what is wrong with it.
    private func inspect(
        _ bytes: [UInt8], _ place: Range<Int>, _ name: String, _ lines: inout [String]
    ) -> Failure? {
        let object = Array(bytes[place])
        do {
            let envelope = try Envelope(object)
            let type = Schema.kind(envelope.apiVersion, envelope.kind)
            lines.append("\(envelope.apiVersion) \(envelope.kind)"
                + (type == nil ? " (not in the schema)" : ""))
            let (inspection, error) = Inspection.read(object, envelope.raw, as: type)
            lines += inspection.fields.map { line($0, base: place.lowerBound) }
            return error.map { Failure(.data, "\(name): \($0)") }
        } catch {
            return Failure(.data, "\(name): \(error)")
        }
    }

    private func line(_ field: InspectedField, base: Int) -> String {
        let offset = "\(field.offset + base)"
        let padding = String(repeating: " ", count: max(0, 8 - offset.count))
        let indent = String(repeating: "  ", count: field.depth)
        let value = field.value.map { " \($0)" } ?? ""
        let head = "\(padding)\(offset)  \(indent)\(field.number) \(field.name ?? "?")"
        return "\(head) \(field.type)\(value)"
    }
}
