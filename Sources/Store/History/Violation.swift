/// A promise that a history shows to be broken.
package struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Rule: String, Hashable, Sendable, CaseIterable {
        /// Two changes returned the same revision.
        case revisionOnce = "a revision belongs to one change"
        /// Something took effect before what had been completed when it began.
        case realTime = "revisions agree with real time"
        case result = "a transaction's result follows from the revision before it"
        case read = "a read shows what was there at its revision"
        /// A transaction is said to have failed while all its compares held.
        case failure = "a transaction fails when something that it assumes does not hold"
        /// A transaction is said to have happened, and no revision can be its.
        case done = "what is said to have happened has happened"
        /// A revision exists that no change could have made.
        case explained = "every revision was made by a change that was asked for, once"
        /// Nobody saw what a revision changed, and several calls might have made it.
        case decided = "what a revision changed can be told"
        case watchOrder = "a watch tells of revisions in order, each once"
        case watchAtomic = "a watch tells of a revision all at once"
        case watchComplete = "a watch leaves nothing out"
        case watchContent = "a watch tells what happened"
        case watchProgress = "a watch's progress is not ahead of its events"
        case compaction = "history that is given up is refused, and no other"
    }

    package var rule: Rule
    /// Numbers of the operations concerned, in the history.
    package var operations: [Int]
    package var expected: String
    package var found: String

    package var description: String {
        let numbers = operations.map { "#\($0)" }.joined(separator: " ")
        return "broken: \(rule.rawValue)\n  operations \(numbers)\n  expected \(expected)\n"
            + "  found    \(found)"
    }

    /// With the lines of the operations concerned.
    package func report(of history: History) -> String {
        let lines = operations.map { "  " + HistoryText.line(history.operations[$0], number: $0) }
        return description + "\n" + lines.joined(separator: "\n")
    }
}
