import ArgumentParser
import PKI
import Store
import StoreCore
import Wire

extension StoreCommand {
    /// `martlet store dump`: what a backup or a stopped member's store holds.
    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what a snapshot, or a stopped member's store, holds.",
            discussion: """
                By default a row for each key, in the order of keys:

                    martlet store dump backup.snap --prefix /registry/default/core/configmaps/
                    martlet store dump martlet-data --values --json | jq .object.metadata.name

                Values are Kubernetes objects, and shown as JSON; what is none is shown as
                base64. They have secrets in them. --log prints the log's records, for finding
                faults.
                """)
        @Argument(help: "A snapshot, or the data directory of a member that is stopped.")
        var path: String
        @Option(help: "Only keys that begin so.") var prefix = ""
        @Option(help: "As of this revision, in place of the newest.") var revision: Int64?
        @Flag(help: "Keys alone, one a line.") var keys = false
        @Flag(help: "Values too.") var values = false
        @Flag(help: "The log's records, in place of keys.") var log = false
        @Flag(help: "A JSON object on each line.") var json = false

        func validate() throws {
            let flags = [("--keys", keys), ("--values", values), ("--log", log)].filter(\.1)
            guard flags.count < 2 else {
                throw ValidationError("\(flags[0].0) and \(flags[1].0) exclude each other")
            }
            guard !log || (prefix.isEmpty && revision == nil) else {
                throw ValidationError("--prefix and --revision are for keys, not for --log")
            }
        }

        func run() async throws {
            let contents = try OfflineLog.open(path).contents()
            var output = LineOutput()
            do {
                if log { try printLog(contents, &output) } else { try printKeys(contents, &output) }
                try output.flush()
            } catch let error as FileError {
                throw StoreCommandError(description: "\(error)")
            }
        }

        // MARK: Keys

        private func printKeys(
            _ contents: borrowing LogContents, _ output: inout LineOutput
        ) throws {
            let range = prefix.isEmpty ? KeyRange.all : .prefix(Array(prefix.utf8))
            let at = revision.map { Revision($0) }
            var widths = KeyRow.titles.map(\.count)
            let isTable = !keys && !json
            if isTable {
                // Read twice, so that nothing has to be kept.
                try contents.forEachEntry(in: range, at: at) { key, value, version in
                    let row = KeyRow.words(key, value, version)
                    for (place, word) in row.enumerated() {
                        widths[place] = max(widths[place], word.count)
                    }
                }
                try output.line(TextTable.line(KeyRow.titles, widths: widths))
            }
            let objects = StoredObjects()
            var failure: FileError?
            try contents.forEachEntry(in: range, at: at) { key, value, version in
                guard failure == nil else { return }
                do throws(FileError) {
                    if json {
                        try output.line(jsonLine(key, value, version, objects))
                    } else if keys {
                        try output.line(key.text)
                    } else {
                        try output.line(
                            TextTable.line(KeyRow.words(key, value, version), widths: widths))
                        if values { try output.line(objects.shown(value, of: key)) }
                    }
                } catch { failure = error }
            }
            if let failure { throw failure }
        }

        private func jsonLine(
            _ key: RawSpan, _ value: RawSpan, _ version: EntryVersion, _ objects: StoredObjects
        ) -> String {
            var fields = JSONFields()
            fields.add("key", key.text)
            guard !keys else { return fields.object }
            fields.add("createRevision", version.createRevision.number)
            fields.add("modRevision", version.modRevision.number)
            fields.add("version", version.version)
            if version.lease != .none { fields.add("lease", version.lease.number) }
            fields.add("bytes", value.byteCount)
            guard values else { return fields.object }
            fields.add("value", Base64.encode([UInt8](value)))
            if let object = objects.json(value, of: key) { fields.add("object", json: object) }
            return fields.object
        }

        // MARK: Records

        private func printLog(
            _ contents: borrowing LogContents, _ output: inout LineOutput
        ) throws {
            let committed = contents.committedIndex
            if !json { try output.line(TextTable.line(RecordRow.titles, widths: RecordRow.widths)) }
            var failure: FileError?
            try contents.forEachRecord { record, isVoid in
                guard failure == nil else { return }
                let row = RecordRow(record, isVoid: isVoid, committed: committed)
                do throws(FileError) {
                    try output.line(
                        json ? row.json : TextTable.line(row.words, widths: RecordRow.widths))
                } catch { failure = error }
            }
            if let failure { throw failure }
        }
    }
}

/// A key as a row of the table.
private enum KeyRow {
    static let titles = ["KEY", "VERSION", "MOD REVISION", "BYTES"]

    static func words(_ key: RawSpan, _ value: RawSpan, _ version: EntryVersion) -> [String] {
        [key.text, "\(version.version)", "\(version.modRevision)", "\(value.byteCount)"]
    }
}

/// A record as a row of the table.
private struct RecordRow {
    static let titles = [
        "INDEX", "TERM", "KIND", "SEGMENT", "OFFSET", "BYTES", "COMMITTED", "REVISION", "CHANGES",
    ]
    /// They fit what is usual; a row that needs more is longer.
    static let widths = [10, 6, 14, 8, 9, 9, 9, 10, 7]

    private let record: ListedRecord
    /// Of an entry; records of a member's own are empty there.
    private let state: String

    init(_ record: ListedRecord, isVoid: Bool, committed: UInt64) {
        self.record = record
        state = !record.isEntry ? "" : isVoid ? "void" : record.index <= committed ? "yes" : "no"
    }

    var words: [String] {
        [
            "\(record.index)", "\(record.term)", record.kind.name, "\(record.segment)",
            "\(record.offset)", "\(record.bytes)", state,
            record.revision.map { "\($0)" } ?? "", record.changes.map { "\($0)" } ?? "",
        ]
    }

    var json: String {
        var fields = JSONFields()
        fields.add("index", record.index)
        fields.add("term", record.term)
        fields.add("kind", record.kind.name)
        fields.add("segment", record.segment)
        fields.add("offset", record.offset)
        fields.add("bytes", record.bytes)
        if record.isEntry { fields.add("committed", state) }
        fields.add("knownCommittedIndex", record.committed)
        if let revision = record.revision { fields.add("revision", revision.number) }
        if let changes = record.changes { fields.add("changes", changes) }
        return fields.object
    }
}

/// Reads values by what their keys say they are: /registry/CLUSTER/GROUP/RESOURCE/...
private struct StoredObjects {
    private var types: [String: MessageType] = [:]

    init() {
        for type in Schema.resourceTypes {
            guard let resource = type.resource else { continue }
            let path = "\(type.group.isEmpty ? "core" : type.group)/\(resource.name)"
            // Of several versions of a kind, the newest is stored.
            if let known = types[path], known.version > type.version { continue }
            types[path] = type
        }
    }

    /// Nil for what is no object of a kind that this program knows.
    func json(_ value: RawSpan, of key: RawSpan) -> String? {
        let parts = key.text.split(separator: "/", maxSplits: 4)
        guard parts.count == 5, parts[0] == "registry", let type = types["\(parts[2])/\(parts[3])"]
        else { return nil }
        do throws(ProtobufError) {
            let object = try ObjectCodec.message(value, as: type)
            return String(decoding: ObjectCodec.encode(object, .json), as: UTF8.self)
        } catch {
            return nil  // It is shown as the bytes that it is.
        }
    }

    func shown(_ value: RawSpan, of key: RawSpan) -> String {
        json(value, of: key) ?? Base64.encode([UInt8](value))
    }
}

extension RawSpan {
    /// A key's bytes, which are text as a rule.
    fileprivate var text: String { String(decoding: [UInt8](self), as: UTF8.self) }
}
