/// The bearer tokens of `--token-auth-file`.
///
/// The file has a line `token,user,uid,"group1,group2"` for each; the groups may be missing. Quotes
/// are doubled within quotes, as in any CSV.
public struct StaticTokens: Sendable {
    /// What is wrong with a token file, and in which line, from 1.
    public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
        public enum Fault: Hashable, Sendable {
            case tooFewColumns(found: Int)
            case openQuote
            case strayQuote
            case notUTF8
        }
        public let line: Int
        public let fault: Fault

        public var description: String {
            let what = switch fault {
            case .tooFewColumns(let found):
                "at least 3 columns (token, user name, user uid) are needed, found \(found)"
            case .openQuote: "a quoted column does not end"
            case .strayQuote: "a quote stands within a column that is not quoted"
            case .notUTF8: "the line is not UTF-8"
            }
            return "token file, line \(line): \(what)"
        }
    }

    private struct Entry: Sendable {
        let token: String
        let user: UserInfo
    }

    /// By the token's hash, which is seeded at random for each process.
    private var entries: [Int: [Entry]] = [:]

    public init() {}

    /// Reads a token file. Of several lines with one token, the last one counts.
    public init(csv: [UInt8]) throws(FileError) {
        var reader = CSVReader(csv)
        while let record = try reader.next() {
            guard record.columns.count >= 3 else {
                throw FileError(
                    line: record.line, fault: .tooFewColumns(found: record.columns.count))
            }
            let groups = record.columns.count > 3
                ? record.columns[3].split(separator: ",").map(String.init) : []
            add(record.columns[0],
                UserInfo(name: record.columns[1], uid: record.columns[2], groups: groups))
        }
    }

    public var isEmpty: Bool { entries.isEmpty }

    /// Lets `token` stand for `user`. An empty token is none.
    public mutating func add(_ token: String, _ user: UserInfo) {
        guard !token.isEmpty else { return }
        var bucket = entries[token.hashValue] ?? []
        bucket.removeAll { $0.token == token }
        bucket.append(Entry(token: token, user: user))
        entries[token.hashValue] = bucket
    }

    /// The user of a token. How long it takes says nothing about the tokens that there are.
    public func user(of token: String) -> UserInfo? {
        entries[token.hashValue]?.first { $0.token.equalsInConstantTime(token) }?.user
    }
}

extension String {
    /// Compares all bytes, wherever the first difference is.
    func equalsInConstantTime(_ other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        var difference: UInt8 = 0
        for (a, b) in zip(utf8, other.utf8) { difference |= a ^ b }
        return difference == 0
    }
}
