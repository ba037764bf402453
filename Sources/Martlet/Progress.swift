import Synchronization

/// Lines about something that takes long: the first at once, and then one in a while.
final class Progress: Sendable {
    private let interval: Duration
    private let lastSaid = Mutex<ContinuousClock.Instant?>(nil)

    init(interval: Duration) { self.interval = interval }

    func say(_ line: String) {
        let now = ContinuousClock.now
        let isDue = lastSaid.withLock { last in
            if let said = last, now - said < interval { return false }
            last = now
            return true
        }
        if isDue { LineLogHandler.say(line) }
    }
}
