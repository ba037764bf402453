import APIErrors
import Kubernetes
import Wire

/// A patch as a client sent it, read once, to be applied as often as it takes.
struct PatchBody: Sendable {
    private let patch: ObjectPatch
    /// What strict validation refuses in the patch itself.
    private let issues: [String]
    private let warnings: Warnings
    private let validation: WriteParameters.FieldValidation

    /// - Throws: 400, 413 or 422 for a body that is no patch.
    init(_ operation: Operation) throws(APIError) {
        guard case .encoded(let bytes, _) = operation.body,
            let kind = operation.write.patch.flatMap({ ObjectPatch.Kind(rawValue: $0.rawValue) })
        else { throw .badRequest("a patch needs a body") }
        var issues: [String] = []
        do throws(PatchError) { patch = try ObjectPatch(kind, bytes, issues: &issues) } catch {
            throw APIError(patch: error)
        }
        self.issues = issues
        warnings = operation.warnings
        validation = operation.write.fieldValidation
    }

    /// The object that the patch makes of `current`.
    ///
    /// - Throws: 400, 413, 422 or 500, in Kubernetes' words.
    func applied(to current: Message) throws(APIError) -> Message {
        let patched: PatchedObject
        do throws(PatchError) { patched = try patch.apply(to: current) } catch {
            throw APIError(patch: error)
        }
        let all = issues + patched.issues
        if validation == .strict, !all.isEmpty {
            throw .unreadablePatch(
                shown: patched.shown,
                reason: "strict decoding error: \(all.joined(separator: ", "))")
        }
        if validation == .warn { for issue in all { warnings.add(issue) } }
        return patched.object
    }
}

extension APIError {
    /// What a client is told whose patch cannot be applied.
    init(patch error: PatchError) {
        switch error {
        case .malformed(let message): self = .badRequest(message)
        case .inapplicable: self = .unprocessable
        case .tooManyOperations:
            self = APIError(code: 413, reason: .requestEntityTooLarge, message: error.message)
        case .failed(let message): self = .failure(message)
        case .unreadable(let shown, let reason): self = .unreadablePatch(shown: shown, reason: reason)
        }
    }

    /// 422 about the field `patch`; Kubernetes leaves the kind out.
    fileprivate static func unreadablePatch(shown: String, reason: String) -> APIError {
        .invalid(GroupKind(kind: ""), "", causes: [
            Cause(
                reason: "FieldValueInvalid", message: "Invalid value: \"\(shown)\": \(reason)",
                field: "patch")
        ])
    }
}
