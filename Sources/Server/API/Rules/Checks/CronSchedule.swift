internal import Wire

/// The five fields of cron, or a word for them such as `@daily`.
///
/// Source: the grammar and the sentences of github.com/robfig/cron's standard parser.
enum CronSchedule {
    private struct Part {
        let range: ClosedRange<Int>
        let names: [String]
    }

    private static let parts = [
        Part(range: 0...59, names: []), Part(range: 0...23, names: []),
        Part(range: 1...31, names: []),
        Part(range: 1...12, names: ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
                                    "sep", "oct", "nov", "dec"]),
        Part(range: 0...6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ]
    private static let words: Set<String> = [
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    ]

    private struct Problem: Error {
        let text: String
    }

    /// What is wrong with a schedule, or nil.
    static func problem(in schedule: String) -> String? {
        if schedule.hasPrefix("@") { return wordProblem(schedule) }
        let fields = schedule.split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == parts.count else {
            return "expected exactly 5 fields, found \(fields.count): "
                + "[\(fields.joined(separator: " "))]"
        }
        do throws(Problem) {
            for (field, part) in zip(fields, parts) {
                for range in field.split(separator: ",") { try check(String(range), part) }
            }
            return nil
        } catch { return error.text }
    }

    private static func wordProblem(_ schedule: String) -> String? {
        if words.contains(schedule) { return nil }
        guard schedule.hasPrefix("@every ") else { return "unrecognized descriptor: \(schedule)" }
        let text = String(schedule.dropFirst("@every ".count))
        do throws(GoDurationError) {
            _ = try GoDuration(parsing: text)
            return nil
        } catch { return "failed to parse duration \(schedule): \(error)" }
    }

    /// `*`, `5`, `1-5`, each perhaps with `/step`.
    private static func check(_ text: String, _ part: Part) throws(Problem) {
        let rangeAndStep = text.split(separator: "/", omittingEmptySubsequences: false)
        let ends = rangeAndStep[0].split(separator: "-", omittingEmptySubsequences: false)
        var start = part.range.lowerBound
        var end = part.range.upperBound
        if ends[0] != "*", ends[0] != "?" {
            start = try number(String(ends[0]), part)
            switch ends.count {
            case 1: if rangeAndStep.count == 1 { end = start }
            case 2: end = try number(String(ends[1]), part)
            default: throw Problem(text: "too many hyphens: \(text)")
            }
        }
        switch rangeAndStep.count {
        case 1: break
        case 2:
            let step = try number(String(rangeAndStep[1]), Part(range: 0...Int.max, names: []))
            if step == 0 {
                throw Problem(text: "step of range should be a positive number: \(text)")
            }
        default: throw Problem(text: "too many slashes: \(text)")
        }
        if start < part.range.lowerBound {
            throw Problem(text: "beginning of range (\(start)) below minimum "
                + "(\(part.range.lowerBound)): \(text)")
        }
        if end > part.range.upperBound {
            throw Problem(text: "end of range (\(end)) above maximum "
                + "(\(part.range.upperBound)): \(text)")
        }
        if start > end {
            throw Problem(text: "beginning of range (\(start)) beyond end of range (\(end)): "
                + text)
        }
    }

    private static func number(_ text: String, _ part: Part) throws(Problem) -> Int {
        if let index = part.names.firstIndex(of: text.lowercased()), !text.isEmpty { return index }
        guard let number = Int(text) else {
            throw Problem(text: "failed to parse int from \(text): strconv.Atoi: parsing "
                + "\(text.goQuoted): invalid syntax")
        }
        if number < 0 { throw Problem(text: "negative number (\(number)) not allowed: \(text)") }
        return number
    }
}
