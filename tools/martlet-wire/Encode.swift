import ArgumentParser
import Wire

struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn YAML or JSON, of several documents too, into protobuf.")

    @OptionGroup var input: Input
    @OptionGroup var output: Output
    @Flag(help: "Compress what is written.")
    var gzip = false

    func run() throws {
        try reporting {
            let name = Files.shown(input.path, "standard input")
            let objects = try documents(name).enumerated().map { index, document in
                try encode(document, "\(name): document \(index + 1), line \(document.line)")
            }
            guard !objects.isEmpty else {
                throw Failure(.data, "\(name): there is no document in it")
            }
            let bytes = Frames.join(objects)
            try Files.write(gzip ? try Gzip.compress(bytes) : bytes, to: output.path)
        }
    }

    private func documents(_ name: String) throws -> [Documents.Document] {
        let bytes = try Files.read(input.path)
        do {
            return try Documents.split(bytes)
        } catch {
            throw Failure(.data, "\(name): \(error)")
        }
    }

    private func encode(_ document: Documents.Document, _ place: String) throws -> [UInt8] {
        let read: DecodedObject
        do {
            read = try ObjectCodec.decode(document.json, .json)
        } catch {
            throw Failure(.data, "\(place): \(explained(error))")
        }
        for issue in (document.issue.map { [$0] } ?? []) + read.issues {
            Files.say("\(place): warning: \(issue)")
        }
        return ObjectCodec.encode(read.object, .protobuf, apiVersion: read.apiVersion)
    }
}

/// What is wrong with a document, in a sentence.
func explained(_ error: DecodeError) -> String {
    switch error {
    case .unrecognized(let text): text
    case .unknownKind(let apiVersion, let kind): "no kind \"\(kind)\" is known in \"\(apiVersion)\""
    case .malformed(let text, let apiVersion, let kind): "\(kind) of \(apiVersion): \(text)"
    case .tooBig: "the object is larger than \(Bounds.objectBytesMax) bytes"
    }
}
