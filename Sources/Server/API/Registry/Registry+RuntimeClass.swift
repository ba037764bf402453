import APIErrors
import Kubernetes
import Wire

extension Registry {
    /// Gives a pod what its runtime class adds: overhead, and the nodes that have the runtime.
    ///
    /// - Throws: 403 if there is no such class, or the pod says otherwise.
    func applyRuntimeClass(to pod: inout CoreV1.Pod, _ operation: Operation) throws(APIError) {
        let name = pod.metadata.name
        func refusal(_ why: String) -> APIError { .forbidden(operation.qualified, name, because: why) }
        var runtime: NodeV1.RuntimeClass?
        if let wanted = pod.spec.runtimeClassName {
            runtime = try find(namespace: nil, name: wanted)
            if runtime == nil {
                throw refusal("pod rejected: RuntimeClass \"\(wanted)\" not found")
            }
        }
        if let overhead = runtime?.overhead {
            guard pod.spec.overhead.isEmpty || pod.spec.overhead == overhead.podFixed else {
                throw refusal(
                    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
            }
            pod.spec.overhead = overhead.podFixed
        } else if !pod.spec.overhead.isEmpty {
            throw refusal(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        }
        guard let scheduling = runtime?.scheduling else { return }
        for (key, value) in scheduling.nodeSelector.sorted(by: { $0.key < $1.key }) {
            if let own = pod.spec.nodeSelector[key], own != value {
                throw refusal(
                    "conflict: runtimeClass.scheduling.nodeSelector[\(key)] = \(value); "
                        + "pod.spec.nodeSelector[\(key)] = \(own)")
            }
            pod.spec.nodeSelector[key] = value
        }
        for toleration in scheduling.tolerations where !pod.spec.tolerations.contains(toleration) {
            pod.spec.tolerations.append(toleration)
        }
    }
}
