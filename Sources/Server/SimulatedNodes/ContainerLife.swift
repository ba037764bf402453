import APIClient
import Kubernetes
import Wire

/// One container of a simulated pod: starts, ends, and starts again if it should.
struct ContainerLife {
    private let container: CoreV1.Container
    private let pod: SimulatedPod
    private(set) var status: CoreV1.ContainerStatus

    /// First pause before a container that ended is started again; it doubles each time.
    static let backoffFirst = Duration.seconds(10)
    static let backoffMax = Duration.seconds(300)

    /// - Parameter known: What was reported of it last.
    init(_ known: CoreV1.ContainerStatus?, _ container: CoreV1.Container, of pod: SimulatedPod) {
        self.container = container
        self.pod = pod
        status = known ?? CoreV1.ContainerStatus()
        status.name = container.name
        status.image = container.image
        status.imageID = container.image
    }

    /// Brings the container to where it is now. Returns when it changes again.
    mutating func advance() -> Duration? {
        if status.state.terminated != nil { return nil }
        if status.state.running == nil {
            if let pause = timeUntilRestart(), pause > .zero { return pause }
            start()
        }
        let runFor = timeUntilEnd()
        if let runFor, runFor <= .zero {
            finish()
            return status.state.waiting == nil ? nil : timeUntilRestart()
        }
        let readyIn = timeUntilReady()
        status.ready = readyIn <= .zero
        return [runFor, readyIn > .zero ? readyIn : nil].compactMap { $0 }.min()
    }

    private mutating func start() {
        let hasRunBefore = status.lastState.terminated != nil
        if hasRunBefore { status.restartCount += 1 }
        status.state = CoreV1.ContainerState()
        status.state.running = CoreV1.ContainerStateRunning {
            $0.startedAt = pod.now.wholeSeconds
        }
        status.started = true
        status.containerID = pod.containerID(container.name, restarts: status.restartCount)
    }

    private func timeUntilEnd() -> Duration? {
        guard let duration = pod.duration("run-duration"),
            let start = status.state.running?.startedAt
        else { return nil }
        return start + duration - pod.now
    }

    private func timeUntilReady() -> Duration {
        guard let probe = container.readinessProbe, let start = status.state.running?.startedAt
        else { return .zero }
        return start + .seconds(probe.initialDelaySeconds) - pod.now
    }

    /// Ends the container; one that is to be started again waits for that.
    private mutating func finish() {
        let code = pod.annotation("exit-code").flatMap { Int($0) } ?? 0
        let ended = CoreV1.ContainerStateTerminated {
            $0.exitCode = code
            $0.reason = code == 0 ? "Completed" : "Error"
            $0.startedAt = status.state.running?.startedAt
            $0.finishedAt = pod.now.wholeSeconds
            $0.containerID = status.containerID
        }
        status.ready = false
        status.started = false
        status.state = CoreV1.ContainerState()
        guard restarts(after: code) else {
            status.state.terminated = ended
            return
        }
        status.lastState = CoreV1.ContainerState()
        status.lastState.terminated = ended
        let object = pod.pod.metadata
        status.state.waiting = CoreV1.ContainerStateWaiting {
            $0.reason = "CrashLoopBackOff"
            $0.message =
                "back-off \(goText(backoff)) restarting failed container=\(container.name) "
                + "pod=\(object.name)_\(object.namespace)(\(object.uid))"
        }
    }

    private func restarts(after code: Int) -> Bool {
        switch pod.pod.spec.restartPolicy {
        case "Never": false
        case "OnFailure": code != 0
        default: true
        }
    }

    private var backoff: Duration {
        let doublings = min(status.restartCount, 5)
        return min(Self.backoffFirst * (1 << doublings), Self.backoffMax)
    }

    private func timeUntilRestart() -> Duration? {
        guard let end = status.lastState.terminated?.finishedAt else { return nil }
        return end + backoff - pod.now
    }

    /// `10s`, `2m40s`
    private func goText(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }
}
