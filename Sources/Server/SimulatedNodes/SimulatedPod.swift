import APIClient
import Kubernetes
import Wire

/// A pod on a simulated node. What it does next follows from the object and the time alone, so
/// that a node may be restarted at any moment.
///
/// Containers run for ever, unless annotations say otherwise:
///
///     simulated.martlet.dev/run-duration: 5s       how long each container runs
///     simulated.martlet.dev/exit-code: "1"         with what code it ends then
///     simulated.martlet.dev/start-delay: 2s        how long it takes until containers start
///     simulated.martlet.dev/termination-delay: 3s  how long it takes to end when deleted
///
/// Init containers end at once with 0. A container is ready when it runs, or, with a readiness
/// probe, after the probe's initial delay.
struct SimulatedPod: Sendable {
    let pod: CoreV1.Pod
    let place: NodePlace
    /// Its own, or the node's if it uses the host's network.
    let podIP: String
    let now: Timestamp

    /// What the node does about a pod.
    enum Step: Hashable, Sendable {
        /// Nothing; look again after a while, if a time is given.
        case rest(Duration?)
        /// Write the status; then look again after a while, if a time is given.
        case report(CoreV1.PodStatus, then: Duration?)
        /// Write the status if it is not so yet, then take the pod away.
        case remove(CoreV1.PodStatus)
    }

    func step() -> Step {
        if pod.metadata.deletionTimestamp != nil { return end() }
        if pod.status.phase == "Succeeded" || pod.status.phase == "Failed" { return .rest(nil) }
        var status = begun()
        var wake: Duration?
        let startDelay = timeUntilStart(status)
        if startDelay > .zero {
            status.phase = "Pending"
            wait(&status)
            wake = startDelay
        } else {
            wake = run(&status)
        }
        settleConditions(&status)
        return status == pod.status ? .rest(wake) : .report(status, then: wake)
    }

    // MARK: Beginning

    /// The status with addresses and start.
    private func begun() -> CoreV1.PodStatus {
        var status = pod.status
        status.observedGeneration = pod.metadata.generation
        status.startTime = status.startTime ?? now.wholeSeconds
        status.hostIP = place.hostIP
        status.hostIPs = [CoreV1.HostIP { $0.ip = place.hostIP }]
        status.podIP = podIP
        status.podIPs = [CoreV1.PodIP { $0.ip = podIP }]
        return status
    }

    private func timeUntilStart(_ status: CoreV1.PodStatus) -> Duration {
        guard let delay = duration("start-delay"), let start = status.startTime else {
            return .zero
        }
        return start + delay - now
    }

    private func wait(_ status: inout CoreV1.PodStatus) {
        let waiting = pod.spec.initContainers.isEmpty ? "ContainerCreating" : "PodInitializing"
        status.containerStatuses = pod.spec.containers.map { container in
            waitingStatus(container, reason: waiting)
        }
        status.initContainerStatuses = pod.spec.initContainers.map { container in
            waitingStatus(container, reason: waiting)
        }
    }

    private func waitingStatus(
        _ container: CoreV1.Container, reason: String
    ) -> CoreV1.ContainerStatus {
        CoreV1.ContainerStatus {
            $0.name = container.name
            $0.image = container.image
            $0.started = false
            $0.state.waiting = CoreV1.ContainerStateWaiting { $0.reason = reason }
        }
    }

    // MARK: Running

    /// Brings all containers to where they are now. Returns when one of them changes again.
    private func run(_ status: inout CoreV1.PodStatus) -> Duration? {
        status.initContainerStatuses = pod.spec.initContainers.map { container in
            let known = status.initContainerStatuses.first { $0.name == container.name }
            return known.flatMap { $0.state.waiting == nil ? $0 : nil } ?? initiated(container)
        }
        var wakes: [Duration] = []
        status.containerStatuses = pod.spec.containers.map { container in
            var life = ContainerLife(
                status.containerStatuses.first { $0.name == container.name }, container, of: self)
            if let wake = life.advance() { wakes.append(wake) }
            return life.status
        }
        status.phase = phase(status.containerStatuses)
        return wakes.min()
    }

    private func initiated(_ container: CoreV1.Container) -> CoreV1.ContainerStatus {
        let isSidecar = container.restartPolicy == "Always"
        return CoreV1.ContainerStatus {
            $0.name = container.name
            $0.image = container.image
            $0.imageID = container.image
            $0.containerID = containerID(container.name, restarts: 0)
            $0.ready = true
            $0.started = isSidecar
            if isSidecar {
                $0.state.running = CoreV1.ContainerStateRunning { $0.startedAt = now.wholeSeconds }
                return
            }
            $0.state.terminated = CoreV1.ContainerStateTerminated {
                $0.reason = "Completed"
                $0.startedAt = now.wholeSeconds
                $0.finishedAt = now.wholeSeconds
                $0.containerID = containerID(container.name, restarts: 0)
            }
        }
    }

    private func phase(_ containers: [CoreV1.ContainerStatus]) -> String {
        let ended = containers.compactMap(\.state.terminated)
        guard ended.count == containers.count else { return "Running" }
        return ended.allSatisfy { $0.exitCode == 0 } ? "Succeeded" : "Failed"
    }

    // MARK: Ending

    /// Stops what runs, at once or after the delay that was asked for, and lets go of the pod.
    private func end() -> Step {
        if let pause = timeUntilStop(), pause > .zero { return .rest(pause) }
        var status = pod.status
        let isStarted = status.startTime != nil
        guard isStarted else { return .remove(status) }
        status.containerStatuses = status.containerStatuses.map(stopped)
        status.initContainerStatuses = status.initContainerStatuses.map(stopped)
        if status.phase != "Failed", status.phase != "Succeeded" {
            status.phase = phase(status.containerStatuses)
        }
        settleConditions(&status)
        return .remove(status)
    }

    private func timeUntilStop() -> Duration? {
        guard let deadline = pod.metadata.deletionTimestamp,
            let delay = duration("termination-delay")
        else { return nil }
        let grace = Duration.seconds(pod.metadata.deletionGracePeriodSeconds ?? 0)
        return deadline - grace + min(delay, grace) - now
    }

    private func stopped(_ status: CoreV1.ContainerStatus) -> CoreV1.ContainerStatus {
        guard status.state.terminated == nil else { return status }
        var status = status
        let startedAt = status.state.running?.startedAt
        status.ready = false
        status.started = false
        status.state = CoreV1.ContainerState()
        status.state.terminated = CoreV1.ContainerStateTerminated {
            $0.reason = "Completed"
            $0.startedAt = startedAt ?? now.wholeSeconds
            $0.finishedAt = now.wholeSeconds
            $0.containerID = status.containerID
        }
        return status
    }

    // MARK: What the annotations ask for

    static let annotationPrefix = "simulated.martlet.dev/"

    func annotation(_ name: String) -> String? {
        pod.metadata.annotations[Self.annotationPrefix + name]
    }

    /// A duration as Go writes it; nil if there is none, or none that can be read.
    func duration(_ name: String) -> Duration? {
        guard let text = annotation(name) else { return nil }
        do throws(GoDurationError) {
            return try GoDuration(parsing: text).duration
        } catch {
            return nil
        }
    }

    func containerID(_ name: String, restarts: Int) -> String {
        "simulated://\(pod.metadata.uid)/\(name)/\(restarts)"
    }
}
