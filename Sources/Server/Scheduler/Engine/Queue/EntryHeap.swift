/// Pods in order of a key, the smallest first; any of them can be taken out.
///
/// A pod is in one heap at most: the heap keeps its index in the pod. O(log *n*) each.
struct EntryHeap<Key: Comparable> {
    private var items: [(key: Key, entry: PodEntry)] = []

    var count: Int { items.count }
    var first: (key: Key, entry: PodEntry)? { items.first }

    mutating func insert(_ entry: PodEntry, _ key: Key) {
        precondition(entry.heapIndex < 0, "a pod is in two heaps")
        items.append((key, entry))
        entry.heapIndex = items.count - 1
        siftUp(items.count - 1)
    }

    mutating func popFirst() -> PodEntry? {
        guard let entry = items.first?.entry else { return nil }
        remove(entry)
        return entry
    }

    mutating func remove(_ entry: PodEntry) {
        let index = entry.heapIndex
        precondition(items[index].entry === entry, "a pod is not in the heap it should be in")
        entry.heapIndex = -1
        let last = items.removeLast()
        guard index < items.count else { return }
        items[index] = last
        last.entry.heapIndex = index
        siftUp(index)
        siftDown(last.entry.heapIndex)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0, items[index].key < items[(index - 1) / 2].key {
            exchange(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < items.count && items[child].key < items[least].key {
                least = child
            }
            if least == index { return }
            exchange(index, least)
            index = least
        }
    }

    private mutating func exchange(_ one: Int, _ other: Int) {
        items.swapAt(one, other)
        items[one].entry.heapIndex = one
        items[other].entry.heapIndex = other
    }
}
