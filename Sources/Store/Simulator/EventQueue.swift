internal import StoreHistory

/// What is to happen, in order of time, and for the same time in order of addition.
struct EventQueue<Event> {
    private struct Item {
        var at: Moment
        var order: UInt64
        var slot: Int

        static func < (left: Item, right: Item) -> Bool {
            let (at, other) = (left.at.microseconds, right.at.microseconds)
            return at == other ? left.order < right.order : at < other
        }
    }

    /// A binary heap; the events themselves stay where they are.
    private var items: [Item] = []
    private var events: [Event?] = []
    private var free: [Int] = []
    private var order: UInt64 = 0

    var next: Moment? { items.first?.at }

    mutating func add(_ event: Event, at moment: Moment) {
        let slot: Int
        if let old = free.popLast() {
            slot = old
            events[slot] = event
        } else {
            slot = events.count
            events.append(event)
        }
        items.append(Item(at: moment, order: order, slot: slot))
        order += 1
        rise(items.count - 1)
    }

    mutating func takeNext() -> (at: Moment, event: Event)? {
        guard let first = items.first, let last = items.popLast() else { return nil }
        if !items.isEmpty {
            items[0] = last
            sink()
        }
        free.append(first.slot)
        guard let event = events[first.slot].take() else { return nil }
        return (first.at, event)
    }

    private mutating func rise(_ start: Int) {
        var place = start
        let item = items[place]
        while place > 0 {
            let parent = (place - 1) / 2
            guard item < items[parent] else { break }
            items[place] = items[parent]
            place = parent
        }
        items[place] = item
    }

    private mutating func sink() {
        var place = 0
        let item = items[0]
        while true {
            var child = 2 * place + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            guard items[child] < item else { break }
            items[place] = items[child]
            place = child
        }
        items[place] = item
    }
}
