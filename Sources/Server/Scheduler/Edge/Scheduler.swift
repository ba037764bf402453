public import APIClient
import APIErrors
import Kubernetes
public import Logging
import StrategyHost
import SchedulerEngine
import Wire

/// The scheduler's edge: tells the engine what the API says of nodes, pods and the policy, and
/// carries out what it decides. Has no opinions of its own.
public final class Scheduler: Sendable {
    /// Bindings on their way at a time.
    static let bindingsMax = 128

    private let client: any APIClient
    private let informers: InformerSet
    private let pods: Informer
    private let nodes: Informer
    private let policies: Informer
    private let decisions: Decisions
    private let time: any TimeSource
    private let logger: Logger
    private let events: EventRecorder

    /// - Parameters:
    ///   - client: Acts as the scheduler.
    ///   - pluginDirectory: Where strategies are found.
    public init(
        client: any APIClient, time: any TimeSource, pluginDirectory: String, logger: Logger
    ) {
        self.client = client
        self.time = time
        self.logger = logger
        informers = InformerSet(client: client, time: time, logger: logger)
        pods = informers.informer(CoreV1.Pod.messageType)
        nodes = informers.informer(CoreV1.Node.messageType)
        policies = informers.informer(MartletSchedulingV1.SchedulingPolicy.messageType)
        decisions = Decisions(time: time, plugins: PluginLoader(directory: pluginDirectory))
        events = EventRecorder(
            client: client, component: "default-scheduler", time: time, logger: logger)
    }

    /// One thing that the scheduler is told.
    private enum Input: Sendable {
        case node(ObjectChange)
        case pod(ObjectChange)
        case policy(ObjectChange)
        case bound(Placement, succeeded: Bool)
        case wake
    }

    /// Schedules until the task is cancelled.
    public func run() async {
        // Bounded by what it is about: the cluster's nodes and pods, and the bindings on their way.
        let (inputs, inbox) = AsyncStream.makeStream(of: Input.self)
        nodes.onChange { inbox.yield(.node($0)) }
        pods.onChange { inbox.yield(.pod($0)) }
        policies.onChange { inbox.yield(.policy($0)) }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.informers.run() }
            group.addTask { await self.events.run() }
            await nodes.waitUntilSynced()
            await pods.waitUntilSynced()
            await policies.waitUntilSynced()
            var waiting = Waiting()
            inbox.yield(.wake)
            for await input in inputs {
                await take(input, &waiting, group: &group)
                await decide(&waiting, inbox, &group)
                if Task.isCancelled { break }
            }
            group.cancelAll()
        }
    }

    /// Bindings on their way, and when to look again without being told.
    private struct Waiting {
        var bindings = 0
        var wakeAt: Duration?
    }

    private func take(
        _ input: Input, _ waiting: inout Waiting, group: inout DiscardingTaskGroup
    ) async {
        switch input {
        case .node(let change): await decisions.take(node: change)
        case .pod(let change): await decisions.take(pod: change)
        case .policy(let change):
            guard let report = await decisions.take(policy: change) else { return }
            group.addTask { await self.publish(report) }
        case .bound(let placement, let succeeded):
            waiting.bindings -= 1
            await decisions.finish(placement, succeeded: succeeded)
        case .wake: waiting.wakeAt = nil
        }
    }

    /// Decides as long as there is something to decide and room for its binding.
    private func decide(
        _ waiting: inout Waiting, _ inbox: AsyncStream<Input>.Continuation,
        _ group: inout DiscardingTaskGroup
    ) async {
        while waiting.bindings < Self.bindingsMax {
            switch await decisions.next() {
            case .bind(let placement):
                waiting.bindings += 1
                group.addTask {
                    let succeeded = await self.bind(placement)
                    inbox.yield(.bound(placement, succeeded: succeeded))
                }
            case .reject(let rejection):
                group.addTask { await self.report(rejection) }
            case .idle(let until):
                guard let until, waiting.wakeAt.map({ until < $0 }) ?? true else { return }
                waiting.wakeAt = until
                group.addTask { [time] in
                    do { try await time.sleep(for: max(until - time.uptime, .zero)) } catch { return }
                    inbox.yield(.wake)
                }
                return
            }
        }
    }

    /// Writes a decision down. Returns whether it holds.
    private func bind(_ placement: Placement) async -> Bool {
        let pod = placement.pod
        let binding = CoreV1.Binding {
            $0.metadata.name = pod.name
            $0.metadata.namespace = pod.namespace
            $0.metadata.uid = placement.uid
            $0.target.apiVersion = "v1"
            $0.target.kind = "Node"
            $0.target.name = placement.node
        }
        let address = ResourceAddress(
            CoreV1.Pod.messageType, namespace: pod.namespace, name: pod.name, subresource: "binding")
        do throws(APIError) {
            _ = try await client.create(binding.tree, at: address, WriteOptions())
        } catch {
            logger.info("a binding failed", metadata: [
                "pod": "\(pod)", "node": "\(placement.node)", "error": "\(error.message)",
            ])
            return false
        }
        events.record(EventNote(
            .normal, about: reference(pod, placement.uid), "Scheduled",
            "Successfully assigned \(pod) to \(placement.node)"))
        return true
    }

    /// Tells the pod, and those who look at it, why it is not on a node.
    private func report(_ rejection: Rejection) async {
        let pod = rejection.pod
        events.record(EventNote(
            .warning, about: reference(pod, rejection.uid), "FailedScheduling", rejection.message))
        let address = ResourceAddress(
            CoreV1.Pod.messageType, namespace: pod.namespace, name: pod.name, subresource: "status")
        let condition = CoreV1.PodCondition {
            $0.type = "PodScheduled"
            $0.status = "False"
            $0.reason = "Unschedulable"
            $0.message = rejection.message
            $0.lastTransitionTime = Timestamp(seconds: time.now.seconds)
        }
        do throws(APIError) {
            guard var current = CoreV1.Pod(try await client.get(address.whole)),
                current.metadata.uid == rejection.uid, current.spec.nodeName.isEmpty,
                current.setCondition(condition)
            else { return }
            _ = try await client.update(current.tree, at: address, WriteOptions())
        } catch where error.isNotFound || error.isConflict {
            // Gone or changed meanwhile: then there is a newer decision to come.
        } catch {
            logger.warning("a pod could not be told why it waits", metadata: [
                "pod": "\(pod)", "error": "\(error.message)",
            ])
        }
    }

    private func reference(_ pod: PodName, _ uid: String) -> CoreV1.ObjectReference {
        CoreV1.ObjectReference {
            $0.apiVersion = "v1"
            $0.kind = "Pod"
            $0.namespace = pod.namespace
            $0.name = pod.name
            $0.uid = uid
        }
    }

    /// Writes into the policy's status what became of its spec.
    private func publish(_ report: PolicyReport) async {
        let address = ResourceAddress(
            MartletSchedulingV1.SchedulingPolicy.messageType, name: PolicyReport.policyName,
            subresource: "status")
        do throws(APIError) {
            guard var policy = MartletSchedulingV1.SchedulingPolicy(try await client.get(address.whole))
            else { return }
            let before = policy.status
            report.write(into: &policy, now: Timestamp(seconds: time.now.seconds))
            guard policy.status != before else { return }
            _ = try await client.update(policy.tree, at: address, WriteOptions())
        } catch {
            logger.warning("the scheduling policy's status could not be written", metadata: [
                "error": "\(error.message)"
            ])
        }
    }
}

extension ResourceAddress {
    /// The object that a subresource belongs to.
    fileprivate var whole: ResourceAddress {
        ResourceAddress(type, namespace: namespace, name: name)
    }
}

extension CoreV1.Pod {
    /// Puts a condition in the place of the one of its type. Returns whether that changed anything.
    fileprivate mutating func setCondition(_ condition: CoreV1.PodCondition) -> Bool {
        guard let index = status.conditions.firstIndex(where: { $0.type == condition.type }) else {
            status.conditions.append(condition)
            return true
        }
        var new = condition
        let old = status.conditions[index]
        if old.status == new.status { new.lastTransitionTime = old.lastTransitionTime }
        guard new != old else { return false }
        status.conditions[index] = new
        return true
    }
}
