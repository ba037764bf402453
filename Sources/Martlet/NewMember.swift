import Joining
import Peers

/// The first start of a member that is not the first of its cluster: it fetches the CA and the keys
/// from one that has them.
struct NewMember {
    let plan: ClusterPlan
    /// Of keys and certificates.
    let directory: String

    /// How long the other member may take to be there, and to be ready for us.
    private static let patience = Duration.seconds(600)
    private static let progressInterval = Duration.seconds(10)

    /// What the member that let this one in had to tell from its store. Kept, as a token works
    /// once, until the store has taken it over and it is removed.
    private var detailsPath: String { directory + "/joined" }

    /// Does nothing if a CA is there already, and if this member is the one to make it.
    func fetchSecrets() async throws {
        guard let giver = plan.giver, !ClusterIdentity.isThere(in: directory) else { return }
        guard let token = plan.token else {
            throw SettingError(
                "--join-token", "(or MARTLET_JOIN_TOKEN) is needed to fetch the cluster's CA and "
                    + "keys from \(giver)")
        }
        let grant = try await ask(giver, token)
        try Files.makeDirectory(directory)
        try Files.write(grant.details, to: detailsPath)
        do { try ClusterIdentity.write(grant.secrets, to: directory) } catch
            where !(error is FileError) {
            throw JoinError(giver: giver, reason: "it gave what is no CA or key (\(error))")
        }
        LineLogHandler.say("\(giver) let this member in as \(plan.name)")
    }

    /// What the store of the member asked had to tell; nil if this member fetched nothing.
    func details() throws(FileError) -> [UInt8]? {
        Files.exists(detailsPath) ? try Files.read(detailsPath) : nil
    }

    /// The store has taken over what there was to tell.
    func forgetDetails() throws(FileError) {
        if Files.exists(detailsPath) { try Files.remove(detailsPath) }
    }

    private func ask(_ giver: PeerAddress, _ token: String) async throws -> JoinGrant {
        let progress = Progress(interval: Self.progressInterval)
        do throws(JoinClient.Failure) {
            return try await JoinClient.joinPatiently(
                at: giver, token: token,
                request: JoinRequest(name: plan.name, address: plan.advertised),
                patience: Self.patience
            ) { reason in
                progress.say("waiting for \(giver) to let this member in: \(reason)")
            }
        } catch {
            switch error {
            case .failed(.refused(.unknownToken)), .failed(.refused(.expiredToken)),
                .failed(.unprovenMember):
                throw SettingError("--join-token", "does not open \(giver): \(error)")
            default: throw JoinError(giver: giver, reason: "\(error)")
            }
        }
    }
}

/// Why a member could not become one.
struct JoinError: Error, CustomStringConvertible {
    let giver: PeerAddress
    let reason: String

    var description: String { "\(giver) did not let this member in: \(reason)" }
}
