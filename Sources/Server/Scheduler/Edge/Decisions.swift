import APIClient
import Kubernetes
import StrategyHost
import SchedulerEngine
import Wire

typealias NodeUpdates = Updates<String, NodeDescription>
typealias PodUpdates = Updates<PodName, PodDescription>
typealias PolicyUpdates = Updates<String, MartletSchedulingV1.SchedulingPolicy>

/// The engine and the strategy that it asks, used by one at a time.
actor Decisions {
    private var engine: SchedulerEngine
    private let host: PluginHost
    private let plugins: PluginLoader
    private let time: any TimeSource
    /// What the policy asked for last, so that the same is not loaded twice.
    private var asked: AskedStrategy?

    private struct AskedStrategy: Equatable {
        let strategy: String
        let config: [UInt8]?
        let shadow: String
    }

    init(time: any TimeSource, plugins: PluginLoader) {
        self.time = time
        self.plugins = plugins
        host = PluginHost(clock: { time.uptime }, wallSeconds: { time.now.seconds })
        engine = SchedulerEngine(strategy: host)
    }

    func take(nodes updates: [NodeUpdates.Update]) {
        for update in updates {
            if let node = update.description {
                engine.upsert(node)
            } else {
                engine.remove(node: update.name)
            }
        }
    }

    func take(pods updates: [PodUpdates.Update]) {
        let now = time.uptime
        for update in updates {
            if let pod = update.description {
                engine.upsert(pod, now: now)
            } else {
                engine.remove(pod: update.name)
            }
        }
    }

    func next() -> SchedulingStep { engine.next(now: time.uptime) }

    func finish(_ placement: Placement, succeeded: Bool) {
        engine.finishBinding(of: placement, succeeded: succeeded, now: time.uptime)
    }

    /// Does what the policy says. Returns what is to be reported, if anything is new.
    func take(policies updates: [PolicyUpdates.Update]) -> PolicyReport? {
        guard let update = updates.first(where: { $0.name == PolicyReport.policyName }) else {
            return nil
        }
        let policy = update.description
        let spec = policy?.spec ?? MartletSchedulingV1.SchedulingPolicySpec()
        let wanted = AskedStrategy(
            strategy: spec.strategy.isEmpty ? PolicyReport.defaultStrategy : spec.strategy,
            config: spec.config?.bytes, shadow: spec.shadow)
        guard wanted != asked else { return nil }
        asked = wanted
        var refusal: PluginRefusal?
        do throws(PluginRefusal) {
            host.activate(try plugins.load(wanted.strategy, config: wanted.config))
        } catch { refusal = error }
        var shadowRefusal: PluginRefusal?
        do throws(PluginRefusal) {
            host.observe(with: wanted.shadow.isEmpty ? nil : try plugins.load(wanted.shadow))
        } catch {
            host.observe(with: nil)
            shadowRefusal = error
        }
        return PolicyReport(
            generation: policy?.metadata.generation ?? 0, active: host.active, refusal: refusal,
            shadow: host.shadow, shadowRefusal: shadowRefusal)
    }
}

/// What became of the policy's spec.
struct PolicyReport: Sendable {
    static let policyName = "default"
    static let defaultStrategy = "spread"

    let generation: Int
    let active: PluginHost.Active
    let refusal: PluginRefusal?
    let shadow: PluginHost.Shadow?
    let shadowRefusal: PluginRefusal?

    func write(into policy: inout MartletSchedulingV1.SchedulingPolicy, now: Timestamp) {
        policy.status.observedGeneration = generation
        policy.status.active = MartletSchedulingV1.ActiveStrategy {
            $0.id = active.id
            $0.version = active.version
            $0.sha256 = active.sha256
            $0.since = Timestamp(seconds: active.sinceSeconds)
        }
        policy.status.shadow = shadow.map { shadow in
            MartletSchedulingV1.ShadowComparison {
                $0.id = shadow.id
                $0.decisions = shadow.decisions
                $0.differences = shadow.differences
            }
        }
        set("Active", refusal, in: &policy, now)
        if shadow == nil && shadowRefusal == nil {
            policy.status.conditions.removeAll { $0.type == "ShadowActive" }
        } else {
            set("ShadowActive", shadowRefusal, in: &policy, now)
        }
    }

    private func set(
        _ type: String, _ refusal: PluginRefusal?,
        in policy: inout MartletSchedulingV1.SchedulingPolicy, _ now: Timestamp
    ) {
        var condition = MetaV1.Condition {
            $0.type = type
            $0.status = refusal == nil ? "True" : "False"
            $0.reason = refusal == nil ? "Loaded" : "Refused"
            $0.message = refusal?.reason ?? ""
            $0.observedGeneration = generation
            $0.lastTransitionTime = now
        }
        if let old = policy.status.conditions.first(where: { $0.type == type }) {
            if old.status == condition.status { condition.lastTransitionTime = old.lastTransitionTime }
            policy.status.conditions.removeAll { $0.type == type }
        }
        policy.status.conditions.append(condition)
    }
}
