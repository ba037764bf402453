/// What was said of the objects of one resource and has not been taken yet: of each object the
/// newest only. There is never more of it than of the resource. Knows no client.
struct Updates<Name: Hashable & Sendable, Description: Sendable>: Sendable {
    struct Update: Sendable {
        let name: Name
        /// Nil: the object is gone.
        let description: Description?
    }

    /// A list has been complete once.
    private(set) var isComplete = false
    private var there: Set<Name> = []
    /// What the list that is being told has not had yet.
    private var unlisted: Set<Name> = []
    private var waiting: [Update] = []
    private var indexByName: [Name: Int] = [:]

    mutating func beginList() { unlisted = there }

    mutating func put(_ name: Name, _ description: Description) {
        there.insert(name)
        unlisted.remove(name)
        note(Update(name: name, description: description))
    }

    mutating func remove(_ name: Name) {
        unlisted.remove(name)
        guard there.remove(name) != nil else { return }
        note(Update(name: name, description: nil))
    }

    /// What the list did not have is gone.
    mutating func endList() {
        for name in unlisted { remove(name) }
        isComplete = true
    }

    /// What has come since the last call, each object once.
    mutating func take() -> [Update] {
        defer { (waiting, indexByName) = ([], [:]) }
        return waiting
    }

    private mutating func note(_ update: Update) {
        if let index = indexByName[update.name] { return waiting[index] = update }
        indexByName[update.name] = waiting.count
        waiting.append(update)
    }
}
