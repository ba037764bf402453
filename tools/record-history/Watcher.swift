import StoreCore
import StoreHistory

/// One client that watches, and goes on at another member whenever a watch ends.
struct Watcher {
    let number: Int
    let store: any RecordedStore
    let recorder: Recorder
    let range: KeyRange
    var chance: Chance
    /// Whether it lets go of a watch now and then, to go on elsewhere.
    let isRestless: Bool
    let told: Told

    init(
        _ number: Int, _ store: any RecordedStore, _ recorder: Recorder, _ range: KeyRange,
        isRestless: Bool, seed: UInt64
    ) {
        (self.number, self.store, self.recorder, self.range) = (number, store, recorder, range)
        (self.isRestless, chance) = (isRestless, Chance(seed))
        told = Told(recorder.start)
    }

    /// Watches until the task is cancelled.
    mutating func run() async {
        while !Task.isCancelled {
            let isAlive = await watchOnce(at: chance.below(store.memberCount))
            // A member that does not answer is not asked again at once.
            guard await pause(.milliseconds(isAlive ? 1 : 50 + chance.below(100))) else { return }
        }
    }

    /// Returns whether it was told anything.
    private mutating func watchOnce(at member: Int) async -> Bool {
        let (store, recorder, told) = (store, recorder, told)
        let before = told.revision
        let call = WatchCall(range, from: before.next, wantsPrevious: store.traits.isWhole)
        let patience = Duration.milliseconds(300 + chance.below(4000))
        let isRestless = isRestless
        let number = recorder.watch(client: number, call)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await store.watch(call, at: member) { content in
                    recorder.deliver(number, content)
                    told.note(content)
                }
            }
            group.addTask {
                var last = told.revision
                // A steady watcher leaves a member that is silent while others see more.
                while await pause(patience) {
                    if isRestless || (told.revision == last && recorder.newest > last) { return }
                    last = told.revision
                }
            }
            await group.next()
            group.cancelAll()
        }
        return told.revision > before
    }
}
