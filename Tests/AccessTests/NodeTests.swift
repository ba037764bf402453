import APIErrors
import Authentication
import Authorization
import Kubernetes
import Testing
import Wire

/// A cluster with the node n1, which runs the pod `web` (and a mirror pod), and n2, which runs
/// `other`. What `web` needs is named by where it mentions it.
private struct Cluster: NodeRelations {
    private let pods: [CoreV1.Pod]
    private let claims: [CoreV1.PersistentVolumeClaim]
    private let volumes: [CoreV1.PersistentVolume]

    init() throws {
        pods = try Self.pods.map { try view($0) }
        claims = try Self.claims.map { try view($0) }
        volumes = try Self.volumes.map { try view($0) }
    }

    private static let pods = [
        """
        {apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: web}, spec: {
          nodeName: n1, serviceAccountName: robot, imagePullSecrets: [{name: s-pull}],
          initContainers: [{name: i, image: i, envFrom: [{secretRef: {name: s-init}}]}],
          containers: [{name: c, image: i, envFrom: [{configMapRef: {name: m-env}}],
            env: [{name: A, valueFrom: {secretKeyRef: {name: s-key, key: k}}},
                  {name: B, valueFrom: {configMapKeyRef: {name: m-key, key: k}}}]}],
          resourceClaims: [{name: r, resourceClaimName: gpu}],
          volumes: [
            {name: a, secret: {secretName: s-volume}}, {name: b, configMap: {name: m-volume}},
            {name: d, projected: {sources: [{secret: {name: s-projected}},
                                            {configMap: {name: m-projected}}]}},
            {name: e, persistentVolumeClaim: {claimName: data}},
            {name: f, csi: {driver: d, nodePublishSecretRef: {name: s-csi}}},
            {name: scratch, ephemeral: {volumeClaimTemplate: {spec: {}}}}]}}
        """,
        """
        {apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: other},
         spec: {nodeName: n2, serviceAccountName: helper, containers: [{name: c, image: i}],
                volumes: [{name: a, secret: {secretName: s-other}}]}}
        """,
        """
        {apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: static,
           annotations: {kubernetes.io/config.mirror: x}},
         spec: {nodeName: n1, containers: [{name: c, image: i}],
                volumes: [{name: a, secret: {secretName: s-mirror}}]}}
        """,
    ]
    private static let claims = [
        """
        {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {namespace: ns, name: data},
         spec: {volumeName: disk}}
        """,
    ]
    private static let volumes = [
        """
        {apiVersion: v1, kind: PersistentVolume, metadata: {name: disk}, spec: {
           claimRef: {namespace: ns, name: data}, csi: {driver: d, volumeHandle: h,
             nodeStageSecretRef: {namespace: ns, name: s-stage},
             controllerPublishSecretRef: {namespace: ns, name: s-controller}}}}
        """,
        """
        {apiVersion: v1, kind: PersistentVolume, metadata: {name: foreign},
         spec: {claimRef: {namespace: ns, name: elsewhere}}}
        """,
    ]

    func pods(on node: String, in namespace: String) -> [CoreV1.Pod] {
        pods.filter { $0.spec.nodeName == node && $0.metadata.namespace == namespace }
    }
    func isPod(_ name: String, in namespace: String, on node: String) -> Bool {
        pods(on: node, in: namespace).contains { $0.metadata.name == name }
    }
    func claim(_ name: String, in namespace: String) -> CoreV1.PersistentVolumeClaim? {
        claims.first { $0.metadata.name == name && $0.metadata.namespace == namespace }
    }
    func volume(_ name: String) -> CoreV1.PersistentVolume? {
        volumes.first { $0.metadata.name == name }
    }
    func node(ofAttachment name: String) -> String? { name == "attached" ? "n1" : nil }
    func node(ofSlice name: String) -> String? { name == "slice-1" ? "n1" : nil }
}

/// The object that a line of YAML or JSON is.
private func view<View: MessageView>(_ yaml: String) throws -> View {
    try #require(View(try ObjectCodec.decode(Array(yaml.utf8), .yaml).object))
}

private func node(_ name: String = "n1") -> UserInfo {
    UserInfo(name: "system:node:\(name)", groups: ["system:nodes"]).authenticated
}

@Suite("May the node n1")
struct NodeAuthorizationTests {
    /// The answer to `VERB GROUP RESOURCE[/SUBRESOURCE] [NAMESPACE/]NAME`: `yes`, or why not.
    private func answer(
        _ question: String, selecting fields: String = "", as user: UserInfo = node()
    ) throws -> String {
        let words = question.split(separator: " ").map(String.init)
        let resource = words[2].split(separator: "/").map(String.init)
        let place = (words.count > 3 ? words[3] : "")
            .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var asked = Attributes(
            user: user, verb: words[0], apiGroup: words[1] == "core" ? "" : words[1],
            resource: resource[0], subresource: resource.count > 1 ? resource[1] : "",
            namespace: place.count > 1 ? place[0] : "", name: place.last ?? "")
        asked.fieldRequirements = try FieldSelector(parsing: fields).requirements
        let verdict = Authorizer(modes: [.node], relations: try Cluster())
            .verdict(on: asked, under: RBACPolicy())
        return verdict.decision == .allow ? "yes" : verdict.reason
    }

    private static let noRelation = "no relationship found between node 'n1' and this object"

    @Test("read a secret or config map that a pod of its own mentions, anywhere", arguments: [
        "s-pull", "s-init", "s-key", "s-volume", "s-projected", "s-csi", "s-stage",
        "m-env", "m-key", "m-volume", "m-projected",
    ])
    func mentioned(name: String) throws {
        let resource = name.hasPrefix("s") ? "secrets" : "configmaps"
        for verb in ["get", "list", "watch"] {
            #expect(try answer("\(verb) core \(resource) ns/\(name)") == "yes")
        }
        #expect(try answer("get core \(resource) other/\(name)") == Self.noRelation)
        #expect(try answer("delete core \(resource) ns/\(name)")
            == "can only read resources of this type")
    }

    @Test("read one that it has nothing to do with", arguments: [
        "s-other", "s-mirror", "s-controller", "m-env", "unknown",
    ])
    func unrelated(name: String) throws {
        #expect(try answer("get core secrets ns/\(name)") == Self.noRelation)
    }

    @Test("do what concerns itself and its pods, and nothing else", arguments: [
        ("list core secrets ns/", "No Object name found"),
        ("list core secrets", "can only read namespaced object of this type"),
        ("get core persistentvolumeclaims ns/data", "yes"),
        ("get core persistentvolumeclaims ns/web-scratch", "yes"),
        ("get core persistentvolumeclaims ns/none", noRelation),
        ("list core persistentvolumeclaims ns/data",
            "can only get individual resources of this type"),
        ("patch core persistentvolumeclaims/status ns/data", "yes"),
        ("get core persistentvolumeclaims/status ns/data", "can only get/update/patch this type"),
        ("get core persistentvolumes disk", "yes"),
        ("get core persistentvolumes foreign", noRelation),
        ("get storage.k8s.io volumeattachments attached", "yes"),
        ("get storage.k8s.io volumeattachments other", noRelation),
        ("get resource.k8s.io resourceclaims ns/gpu", "yes"),
        ("get resource.k8s.io resourceclaims ns/none", noRelation),
        ("get resource.k8s.io resourceslices slice-1", "yes"),
        ("delete resource.k8s.io resourceslices slice-2", noRelation),
        ("create resource.k8s.io resourceslices", "yes"),
        ("get core serviceaccounts ns/robot", "yes"),
        ("get core serviceaccounts ns/helper", noRelation),
        ("create core serviceaccounts/token ns/robot", "yes"),
        ("create core serviceaccounts/token ns/helper", noRelation),
        ("create core serviceaccounts ns/robot",
            "can only create token subresource of serviceaccount"),
        ("update core serviceaccounts ns/robot",
            "can only create tokens for individual service accounts"),
        ("get core nodes n1", "yes"), ("watch core nodes n1", "yes"),
        ("get core nodes n2", "node 'n1' cannot read 'n2', only its own Node object"),
        ("list core nodes", "node 'n1' cannot read all nodes, only its own Node object"),
        ("create core nodes", "yes"), ("patch core nodes/status n1", "yes"),
        ("delete core nodes n1", ""), ("get core nodes/proxy n1", ""),
        ("get core pods ns/web", "yes"), ("get core pods ns/other", noRelation),
        ("list core pods", "can only list/watch pods with spec.nodeName field selector"),
        ("patch core pods/status ns/web", "yes"), ("create core pods/eviction ns/web", "yes"),
        ("delete core pods ns/web", "yes"), ("update core pods ns/web", ""),
        ("deletecollection core pods ns/", ""),
        ("create coordination.k8s.io leases kube-node-lease/", "yes"),
        ("update coordination.k8s.io leases kube-node-lease/n1", "yes"),
        ("get coordination.k8s.io leases kube-node-lease/n2",
            "can only access node lease with the same name as the requesting node"),
        ("get coordination.k8s.io leases ns/n1",
            #"can only access leases in the "kube-node-lease" system namespace"#),
        ("list coordination.k8s.io leases kube-node-lease/",
            "can only get, create, update, patch, or delete a node lease"),
        ("patch storage.k8s.io csinodes n1", "yes"),
        ("get storage.k8s.io csinodes n2",
            "can only access CSINode with the same name as the requesting node"),
        ("list core services", "yes"), ("create core events ns/", "yes"),
        ("list apps deployments ns/", ""),
    ])
    func rules(question: String, expected: String) throws {
        #expect(try answer(question) == expected)
    }

    @Test("list and watch pods that it selects by its own name")
    func selections() throws {
        #expect(try answer("watch core pods", selecting: "spec.nodeName=n1") == "yes")
        #expect(try answer("list core pods", selecting: "status.phase=Failed,spec.nodeName=n1")
            == "yes")
        for fields in ["spec.nodeName=n2", "spec.nodeName!=n1"] {
            #expect(try answer("watch core pods", selecting: fields)
                == "can only list/watch pods with spec.nodeName field selector")
        }
        #expect(try answer("list resource.k8s.io resourceslices", selecting: "nodeName=n1")
            == "yes")
    }

    @Test("only if it is a node, and says which")
    func identities() throws {
        let question = "get core secrets ns/s-volume"
        #expect(try answer(question, as: node("n2"))
            == "no relationship found between node 'n2' and this object")
        #expect(try answer(question, as: UserInfo(name: "system:node:n1").authenticated) == "")
        #expect(try answer(question, as: UserInfo(name: "n1", groups: ["system:nodes"])) == "")
        #expect(try answer(question, as: node("")) == #"unknown node for user "system:node:""#)
    }

    @Test("the reason stands at the end of the refusal")
    func refusal() throws {
        let asked = Attributes(
            user: node(), verb: "get", resource: "secrets", namespace: "ns", name: "s-other")
        let authorizer = Authorizer(relations: try Cluster())
        #expect(failure { try authorizer.permit(asked, under: startPolicy()) }
            == #"secrets "s-other" is forbidden: User "system:node:n1" cannot get resource "#
            + #""secrets" in API group "" in the namespace "ns": \#(Self.noRelation)"#)
    }
}

@Suite("The node n1 writes")
struct NodeRestrictionTests {
    private let restriction = NodeRestriction(of: node())

    private func object(_ labels: String = "{}", taints: String = "[]") throws -> CoreV1.Node {
        try view("{apiVersion: v1, kind: Node, metadata: {name: n1, labels: \(labels)}, "
            + "spec: {taints: \(taints)}}")
    }

    @Test("no node but itself, and not what steers pods to it")
    func nodes() throws {
        let rule = try #require(restriction)
        let plain = try object()
        #expect(rule.refusal(of: plain, replacing: nil, named: "n2")
            == #"node "n1" is not allowed to modify node "n2""#)
        #expect(rule.refusal(of: plain, replacing: plain, named: "n1") == nil)
        let tainted = try object(taints: "[{key: k, effect: NoSchedule}]")
        #expect(rule.refusal(of: tainted, replacing: nil, named: "n1") == nil)
        #expect(rule.refusal(of: plain, replacing: tainted, named: "n1")
            == #"node "n1" is not allowed to modify taints"#)
    }

    @Test("labels of its own, and of Kubernetes' those that a kubelet sets", arguments: [
        ("mine", true), ("example.com/zone", true), ("kubernetes.io/hostname", true),
        ("topology.kubernetes.io/zone", true), ("node.kubernetes.io/x", true),
        ("a.kubelet.kubernetes.io/x", true),
        ("kubernetes.io/other", false),
        ("node-role.kubernetes.io/control-plane", false), ("x.k8s.io/y", false),
        ("node-restriction.kubernetes.io/x", false), ("a.node-restriction.kubernetes.io/x", false),
    ])
    func labels(label: String, isAllowed: Bool) throws {
        let rule = try #require(restriction)
        let (plain, labelled) = (try object(), try object("{\(label): v}"))
        #expect(rule.refusal(of: labelled, replacing: nil, named: "n1") == (isAllowed ? nil
            : #"node "n1" is not allowed to set the following labels: \#(label)"#))
        for (new, old) in [(labelled, plain), (plain, labelled)] {
            #expect(rule.refusal(of: new, replacing: old, named: "n1")
                == (isAllowed ? nil : "is not allowed to modify labels: \(label)"))
        }
        #expect(rule.refusal(of: labelled, replacing: labelled, named: "n1") == nil)
    }

    @Test("pods that mirror its files, and nothing that refers to other objects", arguments: [
        ("", "", nil),
        ("annotations: {}", "", #"pod does not have "kubernetes.io/config.mirror" annotation, "#
            + #"node "n1" can only create mirror pods"#),
        ("", "nodeName: n2", #"node "n1" can only create pods with spec.nodeName set to itself"#),
        ("ownerReferences: []", "",
            #"node "n1" can only create pods with an owner reference set to itself"#),
        ("ownerReferences: [{apiVersion: v1, kind: Node, name: n1, uid: u}]", "",
            #"node "n1" can only create pods with a controller owner reference set to itself"#),
        ("ownerReferences: [{apiVersion: v1, kind: Node, name: n1, uid: v, controller: true}]", "",
            "node n1 UID mismatch: expected v got u"),
        ("", "serviceAccountName: robot",
            #"node "n1" can not create pods that reference a service account"#),
        ("", "imagePullSecrets: [{name: s}]",
            #"node "n1" can not create pods that reference secrets"#),
        ("", "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]",
            #"node "n1" can not create pods that reference persistentvolumeclaims"#),
    ] as [(String, String, String?)])
    func mirrorPods(metadata: String, spec: String, expected: String?) throws {
        func part(_ name: String, _ given: String, _ usual: String) -> String {
            given.hasPrefix("\(name):") ? "" : "\(name): \(usual), "
        }
        let owner = "{apiVersion: v1, kind: Node, name: n1, uid: u, controller: true}"
        let pod: CoreV1.Pod = try view("{apiVersion: v1, kind: Pod, metadata: {name: p, "
            + part("annotations", metadata, "{kubernetes.io/config.mirror: x}")
            + part("ownerReferences", metadata, "[\(owner)]") + "\(metadata)}, spec: {"
            + part("nodeName", spec, "n1") + "\(spec)}}")
        #expect(try #require(restriction).refusal(of: pod, uid: "u") == expected)
    }

    @Test("the status of its pods, deletes and evicts them, and asks for their tokens")
    func ownPods() throws {
        let rule = try #require(restriction)
        let own: CoreV1.Pod = try view(
            "{apiVersion: v1, kind: Pod, metadata: {name: p, uid: u}, spec: {nodeName: n1}}")
        var other = own
        other.spec.nodeName = "n2"
        #expect(rule.refusal(ofStatus: own, replacing: own) == nil)
        #expect(rule.refusal(ofStatus: other, replacing: other) == #"node "n1" can only update "#
            + "pod status for pods with spec.nodeName set to itself")
        var labelled = own
        labelled.metadata.labels = ["a": "b"]
        #expect(rule.refusal(ofStatus: labelled, replacing: own)
            == #"node "n1" cannot update labels through pod status"#)
        #expect(rule.refusal(ofDeleting: own) == nil)
        #expect(rule.refusal(ofDeleting: other) != nil)
        #expect(rule.refusal(ofEvicting: own) == nil)
        #expect(rule.refusal(ofEvicting: other) != nil)
        var bound = AuthenticationV1.BoundObjectReference {
            $0.apiVersion = "v1"
            $0.kind = "Pod"
            $0.name = "p"
        }
        #expect(rule.refusal(ofTokenBoundTo: nil, pod: nil)
            == "node requested token not bound to a pod")
        #expect(rule.refusal(ofTokenBoundTo: bound, pod: own)
            == "node requested token with a pod binding without a uid")
        bound.uid = "u"
        #expect(rule.refusal(ofTokenBoundTo: bound, pod: own) == nil)
        #expect(rule.refusal(ofTokenBoundTo: bound, pod: other)
            == "node requested token bound to a pod scheduled on a different node")
        bound.uid = "old"
        #expect(rule.refusal(ofTokenBoundTo: bound, pod: own)?.contains("does not match") == true)
    }

    @Test("nobody else is held to that")
    func others() { #expect(NodeRestriction(of: alice) == nil) }
}
