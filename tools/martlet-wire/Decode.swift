import ArgumentParser
import Wire

struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn protobuf, compressed or not, into YAML or JSON.")

    @OptionGroup var input: Input
    @OptionGroup var output: Output
    @Flag(exclusivity: .exclusive, help: "What to write.")
    var format = Format.yaml

    enum Format: String, EnumerableFlag {
        case yaml, json
    }

    func run() throws {
        try reporting {
            let name = Files.shown(input.path, "standard input")
            var bytes = try Files.read(input.path)
            if Gzip.isCompressed(bytes) { bytes = try Gzip.expand(bytes) }
            var writer = ByteWriter()
            for (index, place) in try Frames.split(bytes, name).enumerated() {
                let object = try decode(Array(bytes[place]), "\(name): object \(index + 1)")
                if format == .yaml, index > 0 { writer.append("---\n") }
                ObjectCodec.encode(
                    object.object, format == .yaml ? .yaml : .json, apiVersion: object.apiVersion,
                    isPretty: true, into: &writer)
                if format == .json { writer.append("\n") }
            }
            try Files.write(writer.array(), to: output.path)
        }
    }

    private func decode(_ bytes: [UInt8], _ place: String) throws -> DecodedObject {
        do {
            return try ObjectCodec.decode(bytes, .protobuf)
        } catch {
            throw Failure(.data, "\(place): \(explained(error))")
        }
    }
}
