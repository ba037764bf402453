import Kubernetes
import Wire

/// What a table says of a pod: how many containers are ready, and one word for its state.
struct PodSummary {
    let pod: CoreV1.Pod
    private(set) var ready = 0
    private(set) var total: Int
    private(set) var restarts = 0
    private(set) var lastRestart: Timestamp?
    private(set) var reason: String

    init(_ pod: CoreV1.Pod) {
        self.pod = pod
        total = pod.spec.containers.count
        let status = pod.status
        reason = status.reason.isEmpty ? status.phase : status.reason
        if status.conditions.contains(where: {
            $0.type == "PodScheduled" && $0.reason == "SchedulingGated"
        }) {
            reason = "SchedulingGated"
        }
        let sidecars = Set(pod.spec.initContainers.lazy
            .filter { $0.restartPolicy == "Always" }.map(\.name))
        total += sidecars.count
        let (isInitializing, ofSidecars) = readInitContainers(sidecars)
        if !isInitializing || status.has("Initialized") {
            (restarts, lastRestart) = ofSidecars
            readContainers()
        }
        guard pod.metadata.deletionTimestamp != nil else { return }
        if status.reason == "NodeLost" {
            reason = "Unknown"
        } else if status.phase != "Succeeded", status.phase != "Failed" {
            reason = "Terminating"
        }
    }

    /// Reads the init containers up to the first that holds the pod up.
    ///
    /// - Returns: Whether one does, and the restarts of sidecars, which count for good.
    private mutating func readInitContainers(
        _ sidecars: Set<String>
    ) -> (isInitializing: Bool, ofSidecars: (Int, Timestamp?)) {
        var ofSidecars: (Int, Timestamp?) = (0, nil)
        for (index, container) in pod.status.initContainerStatuses.enumerated() {
            count(container, &restarts, &lastRestart)
            let isSidecar = sidecars.contains(container.name)
            if isSidecar { count(container, &ofSidecars.0, &ofSidecars.1) }
            if container.state.terminated.map({ $0.exitCode == 0 }) == true { continue }
            if isSidecar, container.started == true {
                if container.ready { ready += 1 }
                continue
            }
            reason = "Init:" + initReason(container.state, index)
            return (true, ofSidecars)
        }
        return (false, ofSidecars)
    }

    private func initReason(_ state: CoreV1.ContainerState, _ index: Int) -> String {
        if let terminated = state.terminated { return terminated.shownReason }
        if let waiting = state.waiting, !waiting.reason.isEmpty,
            waiting.reason != "PodInitializing" {
            return waiting.reason
        }
        return "\(index)/\(pod.spec.initContainers.count)"
    }

    private mutating func readContainers() {
        var isRunning = false
        for container in pod.status.containerStatuses.reversed() {
            count(container, &restarts, &lastRestart)
            if let waiting = container.state.waiting, !waiting.reason.isEmpty {
                reason = waiting.reason
            } else if let terminated = container.state.terminated {
                reason = terminated.shownReason
            } else if container.ready, container.state.running != nil {
                isRunning = true
                ready += 1
            }
        }
        // some containers are done, others go on
        if reason == "Completed", isRunning {
            reason = pod.status.has("Ready") ? "Running" : "NotReady"
        }
    }

    private func count(
        _ container: CoreV1.ContainerStatus, _ restarts: inout Int, _ last: inout Timestamp?
    ) {
        restarts += container.restartCount
        guard let finished = container.lastState.terminated?.finishedAt else { return }
        if last.map({ $0 < finished }) ?? true { last = finished }
    }

    /// How many of the readiness gates are open.
    var readinessGates: String {
        let gates = pod.spec.readinessGates
        guard !gates.isEmpty else { return nothing }
        let open = gates.count { gate in pod.status.has(gate.conditionType) }
        return "\(open)/\(gates.count)"
    }
}

extension CoreV1.PodStatus {
    fileprivate func has(_ condition: String) -> Bool {
        conditions.contains { $0.type == condition && $0.status == "True" }
    }
}

extension CoreV1.ContainerStateTerminated {
    fileprivate var shownReason: String {
        if !reason.isEmpty { return reason }
        return signal != 0 ? "Signal:\(signal)" : "ExitCode:\(exitCode)"
    }
}
