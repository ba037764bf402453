/// Work that only one member of a cluster does: the one that leads, for as long as it does.
struct LeaderWork: Sendable {
    /// Says when this member begins to lead, and when it ends.
    let leads: AsyncStream<Bool>
    let work: @Sendable () async -> Void

    /// Returns when cancelled; what it has begun has ended then.
    func run() async {
        var running: Task<Void, Never>?
        for await leads in leads {
            running?.cancel()
            await running?.value
            running = leads ? Task { await work() } : nil
        }
        running?.cancel()
        await running?.value
    }
}
