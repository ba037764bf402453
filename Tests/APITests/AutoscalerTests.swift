import Kubernetes
import Testing
import Wire

@testable import API

@Suite("Autoscalers are the same in both of their versions")
struct AutoscalerTests {
    let old = "/apis/autoscaling/v1/namespaces/a/horizontalpodautoscalers"
    let new = "/apis/autoscaling/v2/namespaces/a/horizontalpodautoscalers"
    let target = #""scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}"#

    /// In v1's annotations, as a Kubernetes server writes them.
    let metrics = #"""
        [{"type":"Resource","resource":{"name":"memory","targetAverageValue":"500Mi"}},\#
        {"type":"Pods","pods":{"metricName":"requests","targetAverageValue":"10"}}]
        """#
    let behavior = #"""
        {"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":\#
        [{"Type":"Pods","Value":4,"PeriodSeconds":15},{"Type":"Percent","Value":100,"PeriodSeconds":15}],\#
        "Tolerance":null},"ScaleDown":{"StabilizationWindowSeconds":60,"SelectPolicy":"Max","Policies":\#
        [{"Type":"Pods","Value":1,"PeriodSeconds":30}],"Tolerance":null}}
        """#

    private func makeNew(_ world: World) async throws {
        try await world.must(.post(new, #"""
            {"metadata":{"name":"n","annotations":{"mine":"1"}},"spec":{"minReplicas":2,"maxReplicas":6,\#(target),
             "metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":60}}},
              {"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"500Mi"}}},
              {"type":"Pods","pods":{"metric":{"name":"requests"},"target":{"type":"AverageValue","averageValue":"10"}}}],
             "behavior":{"scaleDown":{"stabilizationWindowSeconds":60,
              "policies":[{"type":"Pods","value":1,"periodSeconds":30}]}}}}
            """#))
    }

    @Test("one of v1 is read in v2, with the one metric that v1 knows, or its default")
    func oldToNew() async throws {
        let world = try await World()
        let made = try await world.must(.post(old, #"""
            {"metadata":{"name":"o"},"spec":{"maxReplicas":5,"targetCPUUtilizationPercentage":70,\#(target)}}
            """#))
        #expect(made["apiVersion"] == "autoscaling/v1")
        #expect(made["spec.minReplicas"] == "1")
        #expect(made["spec.targetCPUUtilizationPercentage"] == "70")
        #expect(made["metadata.annotations"] == nil)
        let read = try await world.must(.get("\(new)/o"))
        #expect(read["apiVersion"] == "autoscaling/v2")
        #expect(read["metadata.uid"] == made["metadata.uid"])
        #expect(read["spec.metrics.0.resource.target.averageUtilization"] == "70")
        #expect(read["spec.metrics.0.resource.target.type"] == "Utilization")
        let plain = try await world.must(.post(
            old, #"{"metadata":{"name":"p"},"spec":{"maxReplicas":5,\#(target)}}"#))
        #expect(plain["spec.targetCPUUtilizationPercentage"] == "80")
    }

    @Test("one of v2 is read in v1, what that lacks in annotations, and changed there without loss")
    func newToOld() async throws {
        let world = try await World()
        try await makeNew(world)
        let read = try await world.must(.get("\(old)/n"))
        #expect(read["spec.targetCPUUtilizationPercentage"] == "60")
        #expect(read.annotation("autoscaling.alpha.kubernetes.io/metrics") == metrics)
        #expect(read.annotation("autoscaling.alpha.kubernetes.io/behavior") == behavior)
        #expect(read.annotation("mine") == "1")
        let patched = try await world.must(.merge("\(old)/n", #"{"spec":{"maxReplicas":7}}"#))
        #expect(patched["spec.maxReplicas"] == "7")
        #expect(patched.annotation("autoscaling.alpha.kubernetes.io/metrics") == metrics)
        let after = try await world.must(.get("\(new)/n"))
        #expect(after["spec.maxReplicas"] == "7")
        #expect(after["spec.metrics.0.resource.name"] == "memory")
        #expect(after["spec.metrics.1.pods.metric.name"] == "requests")
        #expect(after["spec.metrics.2.resource.name"] == "cpu")
        #expect(after["spec.behavior.scaleDown.stabilizationWindowSeconds"] == "60")
        #expect(after.annotation("autoscaling.alpha.kubernetes.io/metrics") == nil)
        try await world.must(.put("\(old)/n", patched.text))
        let replaced = try await world.must(.get("\(new)/n"))
        #expect(replaced["spec.behavior.scaleUp.policies.1.value"] == "100")
        #expect(replaced["metadata.resourceVersion"] == after["metadata.resourceVersion"])
    }

    @Test("a status written in one version is read in the other")
    func statuses() async throws {
        let world = try await World()
        try await makeNew(world)
        try await world.must(.merge("\(new)/n/status", #"""
            {"status":{"desiredReplicas":3,"currentReplicas":2,
             "currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageValue":"5m","averageUtilization":9}}}],
             "conditions":[{"type":"AbleToScale","status":"True","lastTransitionTime":"2024-01-01T00:00:00Z"}]}}
            """#))
        let read = try await world.must(.get("\(old)/n/status"))
        #expect(read["status.currentCPUUtilizationPercentage"] == "9")
        #expect(read.annotation("autoscaling.alpha.kubernetes.io/current-metrics") == #"""
            [{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":9,"currentAverageValue":"5m"}}]
            """#)
        #expect(read.annotation("autoscaling.alpha.kubernetes.io/conditions") == #"""
            [{"type":"AbleToScale","status":"True","lastTransitionTime":"2024-01-01T00:00:00Z"}]
            """#)
        try await world.must(.merge("\(old)/n/status", #"{"status":{"desiredReplicas":4}}"#))
        let after = try await world.must(.get("\(new)/n"))
        #expect(after["status.desiredReplicas"] == "4")
        #expect(after["status.currentMetrics.0.resource.current.averageValue"] == "5m")
        #expect(after["status.conditions.0.type"] == "AbleToScale")
    }

    @Test("both versions list and watch what either wrote, and one deletes for both")
    func collections() async throws {
        let world = try await World()
        try await makeNew(world)
        try await world.must(.post(
            old, #"{"metadata":{"name":"o"},"spec":{"maxReplicas":5,\#(target)}}"#))
        for (path, version) in [(old, "autoscaling/v1"), (new, "autoscaling/v2")] {
            let list = try await world.must(.get(path))
            #expect(list["apiVersion"] == version)
            #expect(list.each("metadata.name") == ["n", "o"])
            let watched = try await world.must(.get("\(path)?watch=true&timeoutSeconds=1"))
            let lines = watched.text.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.allSatisfy { $0.contains(#""apiVersion":"\#(version)""#) })
            let history = try await world.must(
                .get("\(path)?watch=true&timeoutSeconds=1&resourceVersion=1"))
            #expect(history.text.split(separator: "\n").count == 2)
        }
        #expect(try await world.must(.get(old))["items.0.spec.targetCPUUtilizationPercentage"] == "60")
        try await world.must(.delete("\(old)/n"))
        #expect(try await world.ask(.get("\(new)/n")).status == 404)
    }

    @Test("annotations that cannot be read count for nothing, and names may be in any case")
    func wildAnnotations() async throws {
        let world = try await World()
        let made = try await world.must(.post(old, #"""
            {"metadata":{"name":"w","annotations":{
              "autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":1}]",
              "autoscaling.alpha.kubernetes.io/conditions":"nonsense",
              "autoscaling.alpha.kubernetes.io/behavior":"{\"scaleup\":{\"POLICIES\":[{\"type\":\"Pods\",\"Value\":9,\"periodSeconds\":30}]}}"}},
             "spec":{"maxReplicas":5,\#(target)}}
            """#))
        #expect(made.annotation("autoscaling.alpha.kubernetes.io/metrics") == nil)
        let read = try await world.must(.get("\(new)/w"))
        #expect(read.count("spec.metrics") == 1)
        #expect(read["spec.metrics.0.resource.target.averageUtilization"] == "80")
        #expect(read["spec.behavior.scaleUp.policies.0.value"] == "9")
        let refused = try await world.ask(.post(old, #"""
            {"metadata":{"name":"x","annotations":{
              "autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"Magic\"}]"}},
             "spec":{"maxReplicas":5,\#(target)}}
            """#))
        #expect(refused.status == 422)
        #expect(refused["details.causes.0.field"] == "spec.metrics[0].type")
    }

    @Test("every sort of metric comes back from v1 as it went there", arguments: [
        #"{"type":"Object","object":{"describedObject":{"kind":"Service","name":"s","apiVersion":"v1"},"target":{"type":"Value","value":"3"},"metric":{"name":"m","selector":{"matchLabels":{"a":"b"}}}}}"#,
        #"{"type":"Object","object":{"describedObject":{"kind":"Service","name":"s"},"target":{"type":"AverageValue","value":"0","averageValue":"2"},"metric":{"name":"m"}}}"#,
        #"{"type":"Pods","pods":{"metric":{"name":"m","selector":{"matchLabels":{"a":"b"}}},"target":{"type":"AverageValue","averageValue":"2"}}}"#,
        #"{"type":"Resource","resource":{"name":"memory","target":{"type":"Utilization","averageUtilization":40}}}"#,
        #"{"type":"Resource","resource":{"name":"cpu","target":{"type":"AverageValue","averageValue":"40m"}}}"#,
        #"{"type":"ContainerResource","containerResource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":40},"container":"c"}}"#,
        #"{"type":"External","external":{"metric":{"name":"m"},"target":{"type":"Value","value":"7"}}}"#,
        #"{"type":"External","external":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"7"}}}"#,
    ])
    func roundTrips(metric: String) throws {
        let type = AutoscalingV2.MetricSpec.messageType
        let tree = try ObjectCodec.decode(Array(metric.utf8), .json, default: type).object
        let autoscaler = AutoscalingV2.HorizontalPodAutoscaler {
            $0.metadata.name = "r"
            $0.spec.maxReplicas = 3
            $0.spec.metrics = [AutoscalingV2.MetricSpec(unchecked: tree)]
            $0.status.desiredReplicas = 1
        }
        let there = AutoscalingV1.HorizontalPodAutoscaler(autoscaler)
        #expect(there.metadata.annotations.count == 1)
        #expect(AutoscalingV2.HorizontalPodAutoscaler(there) == autoscaler)
    }

    @Test("v2 has a field for everything, so it keeps none of the annotations")
    func annotationsOfNew() async throws {
        let world = try await World()
        let made = try await world.must(.post(new, #"""
            {"metadata":{"name":"k","annotations":{"mine":"1","autoscaling.alpha.kubernetes.io/metrics":"[]"}},
             "spec":{"maxReplicas":5,\#(target)}}
            """#))
        #expect(made.annotation("autoscaling.alpha.kubernetes.io/metrics") == nil)
        #expect(made.annotation("mine") == "1")
    }
}
