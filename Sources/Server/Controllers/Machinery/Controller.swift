public import APIClient
public import Logging
import Wire

/// A part of the controller manager: brings one kind of thing to the state that was asked for.
public protocol Controller: Sendable {
    /// `deployment-controller`
    static var name: String { get }
    /// Its service account in kube-system; named like the controller, unless it says otherwise.
    static var account: String { get }
    init(_ context: ControllerContext)
    /// Works until the task is cancelled.
    func run() async
}

extension Controller {
    public static var account: String { name }
}

/// What a controller works with.
public struct ControllerContext: Sendable {
    /// Acts as the controller's service account.
    public let client: any APIClient
    /// Shared by all controllers.
    public let informers: InformerSet
    public let events: EventRecorder
    public let time: any TimeSource
    public let logger: Logger
    public let settings: ControllerSettings
}

/// What an operator can set. Defaults are those of kube-controller-manager.
public struct ControllerSettings: Sendable {
    /// PEM certificates of the authority that clients in the cluster trust; empty publishes none.
    public var rootCertificates = ""
    /// A node that did not renew its lease for so long is not healthy.
    public var nodeMonitorGrace = Duration.seconds(40)
    /// Objects that one controller works on at a time.
    public var workers = 5

    public init() {}
}
