public import APIClient
import APIErrors
import Kubernetes
public import Logging
import StrategyHost
import SchedulerEngine
import Synchronization
import Wire

/// The scheduler's edge: tells the engine what the API says of nodes, pods and the policy, and
/// carries out what it decides. Has no opinions of its own.
public final class Scheduler: Sendable {
    /// Bindings and reports on their way at a time.
    static let writesMax = 128

    private let client: any APIClient
    private let pods = ResourceFeed<CoreV1.Pod, PodName, PodDescription>(
        name: { PodName($0.namespace, $0.name) }, describe: PodDescription.init)
    private let nodes = ResourceFeed<CoreV1.Node, String, NodeDescription>(
        name: \.name, describe: NodeDescription.init)
    private let policies = ResourceFeed<
        MartletSchedulingV1.SchedulingPolicy, String, MartletSchedulingV1.SchedulingPolicy
    >(name: \.name, describe: { $0 })
    private let decisions: Decisions
    private let time: any TimeSource
    private let logger: Logger
    private let events: EventRecorder
    /// What the scheduler's own tasks told it; no more than they are.
    private let notes = Mutex<[Note]>([])

    /// - Parameters:
    ///   - client: Acts as the scheduler.
    ///   - pluginDirectory: Where strategies are found.
    public init(
        client: any APIClient, time: any TimeSource, pluginDirectory: String, logger: Logger
    ) {
        self.client = client
        self.time = time
        self.logger = logger
        decisions = Decisions(time: time, plugins: PluginLoader(directory: pluginDirectory))
        events = EventRecorder(
            client: client, component: "default-scheduler", time: time, logger: logger)
    }

    private enum Note: Sendable {
        case bound(Placement, succeeded: Bool)
        case reported
        case alarm
    }

    /// What is under way.
    private struct Waiting {
        /// Bindings and reports.
        var writes = 0
        /// When to look again without being told.
        var wakeAt: Duration?
    }

    /// Schedules until the task is cancelled.
    public func run() async {
        // One ring of the bell says that there is something, however much it is.
        let (rings, bell) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let ring: @Sendable () -> Void = { bell.yield() }
        await withDiscardingTaskGroup { group in
            group.addTask { [self] in await nodes.run(client, time, logger, notify: ring) }
            group.addTask { [self] in await pods.run(client, time, logger, notify: ring) }
            group.addTask { [self] in await policies.run(client, time, logger, notify: ring) }
            group.addTask { [self] in await events.run() }
            var waiting = Waiting()
            for await _ in rings {
                await takeNotes(&waiting)
                await takeUpdates(&group)
                if nodes.isComplete, pods.isComplete, policies.isComplete {
                    await decide(&waiting, ring, &group)
                }
                if Task.isCancelled { break }
            }
            group.cancelAll()
        }
    }

    private func note(_ note: Note, _ ring: @Sendable () -> Void) {
        notes.withLock { $0.append(note) }
        ring()
    }

    private func takeNotes(_ waiting: inout Waiting) async {
        let taken = notes.withLock { notes in
            defer { notes = [] }
            return notes
        }
        for note in taken {
            switch note {
            case .bound(let placement, let succeeded):
                waiting.writes -= 1
                await decisions.finish(placement, succeeded: succeeded)
            case .reported: waiting.writes -= 1
            case .alarm: waiting.wakeAt = nil
            }
        }
    }

    private func takeUpdates(_ group: inout DiscardingTaskGroup) async {
        await decisions.take(nodes: nodes.take())
        await decisions.take(pods: pods.take())
        if let report = await decisions.take(policies: policies.take()) {
            group.addTask { await self.publish(report) }
        }
    }

    /// Decides as long as there is something to decide, and room for what has to be written.
    private func decide(
        _ waiting: inout Waiting, _ ring: @escaping @Sendable () -> Void,
        _ group: inout DiscardingTaskGroup
    ) async {
        while waiting.writes < Self.writesMax {
            switch await decisions.next() {
            case .bind(let placement):
                waiting.writes += 1
                group.addTask {
                    let succeeded = await self.bind(placement)
                    self.note(.bound(placement, succeeded: succeeded), ring)
                }
            case .reject(let rejection):
                waiting.writes += 1
                group.addTask {
                    await self.report(rejection)
                    self.note(.reported, ring)
                }
            case .idle(let until):
                guard let until, waiting.wakeAt.map({ until < $0 }) ?? true else { return }
                waiting.wakeAt = until
                let pause = max(until - time.uptime, .zero)
                group.addTask { [time] in
                    do { try await time.sleep(for: pause) } catch { return }
                    self.note(.alarm, ring)
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
            CoreV1.Pod.messageType, namespace: pod.namespace, name: pod.name,
            subresource: "binding")
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
            CoreV1.Pod.messageType, namespace: pod.namespace, name: pod.name,
            subresource: "status")
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
