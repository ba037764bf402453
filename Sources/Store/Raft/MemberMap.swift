/// A small table by member, in the members' order, so that the same inputs give the same outputs.
struct MemberMap<Value> {
    private(set) var ids: [MemberID] = []
    private var values: [Value] = []

    var count: Int { ids.count }
    var positions: Range<Int> { ids.indices }

    func position(of id: MemberID) -> Int? { ids.firstIndex(of: id) }

    /// The value at a position, which is good until a member comes or goes.
    subscript(position: Int) -> Value {
        get { values[position] }
        _modify { yield &values[position] }
    }

    subscript(id: MemberID) -> Value? {
        get { position(of: id).map { values[$0] } }
        set {
            let place = ids.firstIndex { $0 >= id } ?? ids.endIndex
            let isKnown = place < ids.endIndex && ids[place] == id
            switch (newValue, isKnown) {
            case (let value?, true):
                values[place] = value
            case (let value?, false):
                ids.insert(id, at: place)
                values.insert(value, at: place)
            case (nil, true):
                ids.remove(at: place)
                values.remove(at: place)
            case (nil, false):
                break
            }
        }
    }
}

extension MemberMap: Sendable where Value: Sendable {}
