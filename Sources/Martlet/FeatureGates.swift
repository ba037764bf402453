/// What `--feature-gates` says.
///
/// No feature of this program can be switched: a gate is known that Kubernetes has and that is on
/// or off here for good. Setting it to what it is does no harm; anything else is refused in
/// Kubernetes' words, rather than believed and not done.
enum FeatureGates {
    private static let known: [String: Bool] = [
        "AllAlpha": false, "AllBeta": false,
        "APIResponseCompression": true, "AuthorizeNodeWithSelectors": true,
        "AuthorizeWithSelectors": true, "ServiceAccountTokenJTI": true,
        "ServiceAccountTokenNodeBinding": true, "WatchList": true,
        "APIServerIdentity": false, "APIServerTracing": false, "CBORServingAndStorage": false,
        "ConstrainedImpersonation": false, "KMSv1": false, "StorageVersionAPI": false,
        "UnknownVersionInteroperabilityProxy": false,
    ]

    /// - Throws: ``SettingError`` naming the gate.
    static func check(_ text: String) throws(SettingError) {
        func problem(_ what: String) -> SettingError { SettingError("--feature-gates", what) }
        for part in text.split(separator: ",") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.drop(while: \.isWhitespace) }
            let name = String(halves[0])
            guard halves.count == 2 else { throw problem("missing bool value for \(name)") }
            guard let value = bool(String(halves[1])) else {
                throw problem("invalid value of \(name)=\(halves[1]), err: strconv.ParseBool: "
                    + "parsing \"\(halves[1])\": invalid syntax")
            }
            guard let fixed = known[name] else { throw problem("unrecognized feature gate: \(name)") }
            guard value == fixed else {
                throw problem("cannot set feature gate \(name) to \(value), "
                    + "feature is locked to \(fixed)")
            }
        }
    }

    /// As Go reads it.
    private static func bool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }
}
