/// What a store can do wrong, to see whether the checker notices.
enum Bug: String, CaseIterable, Sendable {
    case staleRead = "stale-read"
    case uncommittedRead = "uncommitted-read"
    case tornList = "torn-list"
    case lostWrite = "lost-write"
    case lostAfterKill = "lost-after-kill"
    case revisionTwice = "revision-twice"
    case otherResult = "other-result"
    case compareIgnored = "compare-ignored"
    case callRepeated = "call-repeated"
    case doneThoughRefused = "done-though-refused"
    case eventSkipped = "event-skipped"
    case eventRepeated = "event-repeated"
    case eventsSwapped = "events-swapped"
    case progressAhead = "progress-ahead"

    var meaning: String {
        switch self {
        case .staleRead: "a read shows what was there before the last change"
        case .uncommittedRead: "a read shows a write that is refused afterwards"
        case .tornList: "a list shows some keys as they were before the last change"
        case .lostWrite: "a write is acknowledged and does not happen"
        case .lostAfterKill: "a write is acknowledged, lost, and its revision given again"
        case .revisionTwice: "a write answers with the revision of another"
        case .otherResult: "a transaction answers with the result of another"
        case .compareIgnored: "a write happens though the key is at another revision"
        case .callRepeated: "a call is carried out twice, and answers as the second time"
        case .doneThoughRefused: "a write is refused and happens"
        case .eventSkipped: "a watch leaves out an event"
        case .eventRepeated: "a watch tells of an event twice"
        case .eventsSwapped: "a watch tells of two events in the wrong order"
        case .progressAhead: "a watch says that it told of a revision before it does"
        }
    }
}
