package import StoreCore

/// A moment of the history's clock, which all clients share: microseconds since any fixed moment.
package struct Moment: Comparable, Hashable, Sendable, CustomStringConvertible {
    package var microseconds: Int64
    package init(_ microseconds: Int64) { self.microseconds = microseconds }
    package var description: String { "\(microseconds)" }
    package static func < (left: Moment, right: Moment) -> Bool {
        left.microseconds < right.microseconds
    }
}

/// A key as a client sees it.
package struct Entry: Hashable, Sendable {
    package var key: [UInt8]
    package var value: [UInt8]
    package var createRevision: Revision
    package var modRevision: Revision
    package var version: Int64
    package var lease: LeaseID

    package init(
        key: [UInt8], value: [UInt8], createRevision: Revision, modRevision: Revision,
        version: Int64, lease: LeaseID = .none
    ) {
        (self.key, self.value, self.version, self.lease) = (key, value, version, lease)
        (self.createRevision, self.modRevision) = (createRevision, modRevision)
    }

    package static func == (left: Entry, right: Entry) -> Bool {
        left.modRevision == right.modRevision && left.createRevision == right.createRevision
            && left.version == right.version && left.lease == right.lease
            && left.key.isEqual(to: right.key) && left.value.isEqual(to: right.value)
    }
}

/// One key's change as a watch tells of it.
package struct WatchEvent: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case put(Entry)
        case delete(key: [UInt8], at: Revision)
    }
    package var kind: Kind
    /// What was there before: nil if there was nothing, or if the watch did not ask for it.
    package var previous: Entry?

    package init(_ kind: Kind, previous: Entry? = nil) {
        (self.kind, self.previous) = (kind, previous)
    }

    package var key: [UInt8] {
        switch kind {
        case .put(let entry): entry.key
        case .delete(let key, _): key
        }
    }

    package var revision: Revision {
        switch kind {
        case .put(let entry): entry.modRevision
        case .delete(_, let revision): revision
        }
    }
}

/// What a client asks of the store. A put and a delete are transactions of one step.
package enum Call: Sendable {
    case transact(Transaction)
    /// Linearizable, unless it says otherwise.
    case range(RangeQuery, isSerializable: Bool)
    case compact(Revision)
    case watch(WatchCall)
}

/// Asks to be told of changes in `range`, from those of revision `from` on; nil: from now on.
package struct WatchCall: Hashable, Sendable {
    package var range: KeyRange
    package var from: Revision?
    package var wantsPrevious: Bool

    package init(_ range: KeyRange, from: Revision?, wantsPrevious: Bool = false) {
        (self.range, self.from, self.wantsPrevious) = (range, from, wantsPrevious)
    }
}

/// What became of a call, as far as the client knows.
package enum Reply: Hashable, Sendable {
    /// No answer, or one that leaves it open whether it happened: once, or not at all.
    case unknown
    /// It did not happen and never will.
    case refused(Refusal)
    case transacted(TransactionReply)
    /// A transaction whose compares held happened, once; nobody said at which revision.
    case done
    /// Some compare did not hold, at a revision that nobody said.
    case failed
    case found(Found, revision: Revision)
    /// What one key was, at a revision that nobody said.
    case seen(Entry?)
    case compacted
    case watched(WatchRecord)
}

package enum Refusal: Hashable, Sendable {
    /// History before `oldest` is given up.
    case compacted(oldest: Revision)
    /// The store has not got there.
    case future
    /// Anything else, such as a member without a leader, or a full disk.
    case other(String)
}

package struct TransactionReply: Hashable, Sendable {
    /// The store's revision when it had been carried out.
    package var revision: Revision
    package var succeeded: Bool
    package var outcomes: [Outcome]

    package init(revision: Revision, succeeded: Bool, outcomes: [Outcome]) {
        (self.revision, self.succeeded, self.outcomes) = (revision, succeeded, outcomes)
    }

    /// Whether it changed something, and so made its revision.
    package var isChange: Bool {
        outcomes.contains { outcome in
            switch outcome {
            case .put: true
            case .deleted(let count, _): count > 0
            case .found: false
            }
        }
    }
}

package enum Outcome: Hashable, Sendable {
    case put(previous: Entry?)
    case deleted(count: Int, previous: [Entry])
    case found(Found)
}

/// A range's answer: up to the query's limit of entries, and how many there are.
package struct Found: Hashable, Sendable {
    package var entries: [Entry]
    package var count: Int
    package init(_ entries: [Entry], count: Int) { (self.entries, self.count) = (entries, count) }
}

/// All that one watch told its client.
package struct WatchRecord: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// The watch stands: it will tell of everything after this revision, or from the
        /// revision asked for on.
        case created(Revision)
        case events([WatchEvent])
        /// Everything up to here has been told.
        case progress(Revision)
        /// The store ended it.
        case ended(Refusal)
    }

    package struct Delivery: Hashable, Sendable {
        package var at: Moment
        package var content: Content
        package init(at moment: Moment, _ content: Content) {
            (at, self.content) = (moment, content)
        }
    }

    package var deliveries: [Delivery]
    package init(_ deliveries: [Delivery] = []) { self.deliveries = deliveries }
}

/// One call of one client, from invocation to completion.
package struct ClientOperation: Sendable {
    package var client: Int
    package var call: Call
    package var invoked: Moment
    /// When the answer came; nil if none has.
    package var completed: Moment?
    package var reply: Reply

    package init(
        client: Int, _ call: Call, invoked: Moment, completed: Moment? = nil,
        reply: Reply = .unknown
    ) {
        (self.client, self.call, self.invoked) = (client, call, invoked)
        (self.completed, self.reply) = (completed, reply)
    }

    /// The revision that the answer speaks of; nil if it speaks of none.
    var revision: Revision? {
        switch reply {
        case .transacted(let reply): reply.revision
        case .found(_, let revision): revision
        case .unknown, .refused, .done, .failed, .seen, .compacted, .watched: nil
        }
    }

    /// Whether it takes effect between invocation and completion.
    var isLinearizable: Bool {
        switch call {
        case .transact: true
        case .range(_, let isSerializable): !isSerializable
        case .compact, .watch: false
        }
    }
}

/// Of what a history tells everything.
package struct HistoryScope: Hashable, Sendable {
    /// The newest revision before the first call.
    package var start: Revision
    /// The keys that only these clients change, and of which there were none at `start`. Nil for
    /// all: then every revision is theirs. Else some are other people's, and change none of these.
    package var keys: KeyRange?
    /// Whether answers tell when a key was created and how often it was put; else both are 0.
    package var tellsVersions: Bool

    package init(
        start: Revision = .start, keys: KeyRange? = nil, tellsVersions: Bool = true
    ) {
        (self.start, self.keys, self.tellsVersions) = (start, keys, tellsVersions)
    }

    /// Everything that ever happened to a store.
    package static let whole = HistoryScope()
}

/// What clients did to a store.
package struct History: Sendable {
    package let scope: HistoryScope
    package private(set) var operations: [ClientOperation] = []

    package init(_ operations: [ClientOperation] = [], scope: HistoryScope = .whole) {
        (self.operations, self.scope) = (operations, scope)
    }

    /// Notes a call. Returns its number, by which to note the answer.
    package mutating func invoke(client: Int, _ call: Call, at moment: Moment) -> Int {
        operations.append(ClientOperation(client: client, call, invoked: moment))
        return operations.count - 1
    }

    package mutating func complete(_ number: Int, _ reply: Reply, at moment: Moment) {
        operations[number].completed = moment
        operations[number].reply = reply
    }

    /// Notes what a watch told its client.
    package mutating func deliver(
        _ number: Int, _ content: WatchRecord.Content, at moment: Moment
    ) {
        var record = WatchRecord()
        if case .watched(let before) = operations[number].reply { record = before }
        operations[number].reply = .unknown  // so that the record is not copied
        record.deliveries.append(WatchRecord.Delivery(at: moment, content))
        operations[number].reply = .watched(record)
    }
}
