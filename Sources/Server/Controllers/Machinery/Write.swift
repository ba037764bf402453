import APIClient
import Kubernetes
import Wire

/// One write that a controller decided on.
enum Write: Sendable {
    case create(Message, Announcement? = nil)
    /// Refused if the object has changed since it was observed.
    case update(Message, [EventNote] = [])
    /// The object's owners, and nothing else of it; refused if it has changed.
    case setOwners(Message)
    /// The object's subresource: `status`, `finalize`.
    case updatePart(Message, String)
    /// The object as it was observed; another one of the same name is left alone.
    case delete(Message, DeleteOptions, Announcement? = nil)
    case announce(EventNote)
    /// Writes that do not depend on each other: carried out together, a few first, so that a
    /// mistake that all share is made only once.
    indirect case together([Write])
}

/// The events that tell how a write went.
struct Announcement: Hashable, Sendable {
    let regarding: CoreV1.ObjectReference
    /// Of an event when it worked, whose message is `text` and the object's name.
    let success: Wording?
    /// Of a warning when it did not, whose message is `text` and the error's.
    let failure: Wording

    struct Wording: Hashable, Sendable {
        let reason: String
        let text: String
    }

    /// Pods made by their owner.
    static func podCreation(by owner: Message) -> Announcement {
        Announcement(
            regarding: CoreV1.ObjectReference(to: owner),
            success: Wording(reason: "SuccessfulCreate", text: "Created pod: "),
            failure: Wording(reason: "FailedCreate", text: "Error creating: "))
    }

    /// Pods deleted by their owner.
    static func podDeletion(by owner: Message) -> Announcement {
        Announcement(
            regarding: CoreV1.ObjectReference(to: owner),
            success: Wording(reason: "SuccessfulDelete", text: "Deleted pod: "),
            failure: Wording(reason: "FailedDelete", text: "Error deleting: "))
    }
}

/// What a reconciliation asks for.
struct Decision: Sendable {
    var writes: [Write] = []
    /// Look again after this time, even if nothing changes.
    var again: Duration?

    /// Look again after `pause`, or sooner if that was asked for already.
    mutating func lookAgain(after pause: Duration) {
        again = again.map { min($0, pause) } ?? pause
    }
}
