import Dispatch
import Glibc
import Logging
import Store
import StoreCore

/// The signals that end a server. Made first of all, so that none that comes early kills it.
struct Signals {
    private static let ending = [SIGTERM, SIGINT]
    private let arrivals: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    init() {
        signal(SIGPIPE, SIG_IGN)
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        self.arrivals = arrivals
        sources = Self.ending.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { arrival.yield() }
            source.resume()
            return source
        }
    }

    /// Returns at the first SIGTERM or SIGINT, which may have come. A second one ends the process
    /// at once.
    func wait() async {
        for await _ in arrivals { break }
        for (source, number) in zip(sources, Self.ending) {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }
}

/// Begins the process anew, with the same words and the same standard streams.
enum Restart {
    static func now(because reason: String) -> Never {
        LineLogHandler.say("\(reason): starting again")
        // Not all sockets are opened to be closed then, and the new life wants its ports.
        for descriptor in (STDERR_FILENO + 1)..<Int32(clamping: sysconf(Int32(_SC_OPEN_MAX))) {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        // The arguments are the kernel's own, which outlive every call.
        unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        LineLogHandler.say("cannot start again: \(unsafe String(cString: strerror(errno)))")
        exit(75)
    }
}

/// How the process ends when it cannot go on, by the codes of sysexits.
struct ExitReason {
    let status: Int32
    let message: String

    init(_ error: any Error) {
        switch error {
        case let setting as SettingError:
            (status, message) = (64, "\(setting)")
        case let store as StoreError:
            (status, message) = Self.of(store)
        case let join as JoinError:
            (status, message) = (69, "\(join)")
        case let file as FileError:
            (status, message) = (74, "\(file)")
        default:
            (status, message) = (70, "the control plane could not start: \(error)")
        }
    }

    private static func of(_ error: StoreError) -> (Int32, String) {
        switch error {
        case .damaged(let file, let damage) where damage.isOfAnotherVersion:
            (65, "\(file), offset \(damage.offset), holds what this version does not know "
                + "(\(damage.reason)): a newer one wrote it, so start that one, or a newer")
        case .damaged(let file, let damage):
            (65, "the log is damaged: \(file), offset \(damage.offset): \(damage.reason.text). No "
                + "other members are there, or too few, to get it from, or they gave it too often. See "
                + "what can be read, and go on with that: \(LogProblem.salvageCommand(for: file)) "
                + "(it asks before it changes anything). Or make a new one of a snapshot: "
                + "martlet store restore SNAPSHOT")
        case .differs(let revision):
            (65, "this member holds something else than the others at revision \(revision), again and "
                + "again: see to the machine's memory and to whether all members run the same version, "
                + "remove the member (martlet store member remove) and let a new one --join")
        case .locked(let directory):
            (75, "another server has \(directory) open: stop it, or choose another --data-dir")
        case .system(let operation, let file, let code):
            (74, "cannot \(operation) \(file): \(unsafe String(cString: strerror(code)))")
        default: (70, "the store cannot be opened: \(error)")
        }
    }
}

extension StoreDamage {
    /// One sentence for whoever runs the member.
    var text: String {
        let found = "the log is damaged: \(file), offset \(damage.offset): \(damage.reason)"
        return switch remedy {
        case .exchange(let number):
            "\(found). The other members are asked to let this one in anew, as \(number), and to give "
                + "it theirs; what is damaged is kept as damaged-* beside it"
        case .none:
            "\(found). Reads of it fail, and the next start will be refused: no other members are "
                + "there, or too few, to get it from. Save what matters while it runs (kubectl get -o "
                + "yaml). Then stop it, and see what can be read: " + LogProblem.salvageCommand(for: file)
        case .anotherDisk(let exchanges):
            "\(found). The other members have let this one in anew \(exchanges) times, and its log has "
                + "not once been found sound since: replace the disk, remove the member (martlet "
                + "store member remove) and let a new one --join"
        }
    }
}

extension StoreDifference {
    /// One sentence, or two, for whoever runs the members.
    var text: String {
        switch self {
        case .thisMember(let revision, let sum, let majority, let successor):
            "this member holds something else than a majority of the members at revision \(revision) "
                + "(the sum is \(Self.hexadecimal(sum)), the majority's \(Self.hexadecimal(majority))), so "
                + "it stops. " + Self.remedy(successor)
        case .member(let number, let name, let revision, let sum, let majority):
            "member \(name) (\(number)) holds something else than a majority of the members at revision "
                + "\(revision) (the sum is \(Self.hexadecimal(sum)), the majority's "
                + "\(Self.hexadecimal(majority))): it stops, and is let in anew"
        case .index(let revision):
            "the index of this member is not what it has put there, at revision \(revision): see to the "
                + "machine's memory. If it differs from the others' by that, it stops, and is let in anew"
        case .noMajority(let revision, let sums):
            "members hold different things at revision \(revision), and no majority holds the same: "
                + sums.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.hexadecimal($0.value))" }
                .joined(separator: ", ")
                + ". Nobody can tell who is right. Take a snapshot of each member, compare them "
                + "(martlet store dump), and go on with the right one: martlet store restore"
        }
    }

    private static func remedy(_ successor: UInt64?) -> String {
        guard let successor else {
            return "It has been let in anew too often for it to be tried once more"
        }
        return "The others are asked to let it in anew, as \(successor), and to give it their log; its own "
            + "is kept as damaged-*"
    }

    private static func hexadecimal(_ sum: UInt64) -> String {
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Settings {
    static var hostName: String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let failed = unsafe buffer.withUnsafeMutableBytes {
            unsafe gethostname($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count - 1)
        }
        guard failed == 0 else { return "martlet" }
        return String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// Writes each message as a line on standard error.
struct LineLogHandler: LogHandler {
    let label: String
    let settings: Settings.Log
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    init(label: String, settings: Settings.Log) {
        self.label = label
        self.settings = settings
        logLevel = settings.verbosity >= 4 ? .debug : .info
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let sorted = fields.sorted { $0.key < $1.key }
        if settings.isJSON {
            let parts = [("level", "\(event.level)"), ("part", label), ("message", "\(event.message)")]
                + sorted.map { ($0.key, "\($0.value)") }
            let body = parts.map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }.joined(separator: ",")
            Self.say("{\(body)}")
        } else {
            let tail = sorted.map { " \($0.key)=\($0.value)" }.joined()
            Self.say("\(event.level) \(label): \(event.message)\(tail)")
        }
    }

    static func say(_ line: String, to file: Int32 = STDERR_FILENO) {
        var bytes = Array(line.utf8)
        bytes.append(UInt8(ascii: "\n"))
        // Nobody is left to tell if the file is gone.
        _ = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\\(scalar)"
            case "\n": out += "\\n"
            case _ where scalar.value < 32: out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
