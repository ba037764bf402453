import Authentication
import Synchronization

/// How many requests are answered at a time, those that change something and those that do not
/// counted apart. One more is told to come back in a second.
///
/// Watches last, and do not count. Administrators are let in always, so that they can see what is
/// wrong.
///
/// - Source: kube-apiserver's `--max-requests-inflight` and `--max-mutating-requests-inflight`.
public final class RequestLimits: Sendable {
    private let reading: Door
    private let changing: Door

    /// - Parameters: 0 for any number.
    public init(reading: Int = 0, changing: Int = 0) {
        self.reading = Door(countMax: reading)
        self.changing = Door(countMax: changing)
    }

    /// Lets a number of requests in at a time.
    fileprivate final class Door: Sendable {
        private let countMax: Int
        private let count = Mutex(0)

        init(countMax: Int) { self.countMax = countMax }

        /// Nil if there are as many as may be.
        func enter() -> Passage? {
            guard countMax > 0 else { return Passage(nil) }
            let isIn = count.withLock { count in
                guard count < countMax else { return false }
                count += 1
                return true
            }
            return isIn ? Passage(self) : nil
        }

        func leave() { count.withLock { $0 -= 1 } }
    }

    /// Held while a request is answered, streamed bodies included.
    final class Passage: Sendable {
        private let door: Door?

        fileprivate init(_ door: Door?) { self.door = door }

        deinit { door?.leave() }
    }

    /// Lets a request in; nil if there are as many of its sort as may be.
    func passage(for target: RequestTarget, of caller: UserInfo) -> Passage? {
        if target.verb == "watch" { return Passage(nil) }
        let isReading = ["get", "list", "head", "options"].contains(target.verb)
        if let passage = (isReading ? reading : changing).enter() { return passage }
        return caller.groups.contains(UserInfo.Group.masters) ? Passage(nil) : nil
    }

    /// 429, in Kubernetes' words.
    static let refusal = APIResponse(
        status: 429, contentType: "text/plain; charset=utf-8",
        headers: [("retry-after", "1"), ("x-content-type-options", "nosniff")],
        body: .bytes(Array("Too many requests, please try again later.\n".utf8)))
}

extension APIResponse {
    /// Keeps a passage until the last of the body is written, or nobody will write it.
    mutating func hold(_ passage: RequestLimits.Passage) {
        guard case .stream(let write) = body else { return }
        body = .stream { writer in
            defer { extendLifetime(passage) }
            try await write(writer)
        }
    }
}
