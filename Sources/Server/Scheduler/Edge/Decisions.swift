import APIClient
import Kubernetes
import StrategyHost
import SchedulerEngine
import Wire

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

    func take(node change: ObjectChange) {
        if let node = change.new.flatMap({ CoreV1.Node($0) }) {
            engine.upsert(NodeDescription(node))
        } else {
            engine.remove(node: change.key.name)
        }
    }

    func take(pod change: ObjectChange) {
        if let pod = change.new.flatMap({ CoreV1.Pod($0) }) {
            engine.upsert(PodDescription(pod), now: time.uptime)
        } else {
            engine.remove(pod: PodName(change.key.namespace, change.key.name))
        }
    }

    func next() -> SchedulingStep { engine.next(now: time.uptime) }

    func finish(_ placement: Placement, succeeded: Bool) {
        engine.finishBinding(of: placement, succeeded: succeeded, now: time.uptime)
    }

    /// Does what the policy says. Returns what is to be reported, if anything is new.
    func take(policy change: ObjectChange) -> PolicyReport? {
        guard change.key.name == PolicyReport.policyName else { return nil }
        let policy = change.new.flatMap { MartletSchedulingV1.SchedulingPolicy($0) }
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
        set("ShadowActive", shadowRefusal, in: &policy, now)
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
