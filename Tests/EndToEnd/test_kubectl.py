"""What people do with kubectl, with an old one and a new one."""
import json
import os
import subprocess

from conftest import ROOT, eventually

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "example.com/web:1", ports: [{containerPort: 80}]}
"""


def rollout(kubectl, namespace, name="web"):
    return kubectl("-n", namespace, "rollout", "status", "deployment", name, "--timeout", "60s")


def apply(kubectl, namespace, text):
    return kubectl("-n", namespace, "apply", "-f", "-", stdin=text)


def test_the_demo_of_three_tiers_runs_on_the_nodes(kubectl):
    kubectl("apply", "-f", str(ROOT / "docs/demo/three-tiers.yaml"))
    for tier in ("front", "api", "cache"):
        rollout(kubectl, "shop", tier)
    lines = kubectl("-n", "shop", "get", "pods", "-o", "wide").splitlines()
    assert lines[0].split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert len(lines) == 7 and all(" 1/1 " in line and " Running " in line for line in lines[1:])
    kubectl("delete", "-f", str(ROOT / "docs/demo/three-tiers.yaml"), "--wait=true")


def test_apply_again_changes_nothing(kubectl, namespace):
    assert "created" in apply(kubectl, namespace, DEPLOYMENT)
    assert "unchanged" in apply(kubectl, namespace, DEPLOYMENT)
    assert "configured" in apply(kubectl, namespace, DEPLOYMENT.replace("web:1", "web:2"))


def test_rollout_and_undo(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    rollout(kubectl, namespace)
    apply(kubectl, namespace, DEPLOYMENT.replace("web:1", "web:2"))
    rollout(kubectl, namespace)
    history = kubectl("-n", namespace, "rollout", "history", "deployment", "web")
    assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["1", "2"]
    kubectl("-n", namespace, "rollout", "undo", "deployment", "web")
    rollout(kubectl, namespace)
    image = kubectl.json("-n", namespace, "get", "deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "example.com/web:1"


def test_scale_and_wait(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    kubectl("-n", namespace, "scale", "deployment", "web", "--replicas", "5")
    rollout(kubectl, namespace)
    kubectl("-n", namespace, "wait", "--for=condition=available", "deployment/web", "--timeout=60s")
    pods = kubectl.json("-n", namespace, "get", "pods", "-l", "app=web")["items"]
    assert len(pods) == 5 and all(p["spec"]["nodeName"].startswith("node-") or p["spec"]["nodeName"] for p in pods)


def test_label_patch_replace_delete(kubectl, namespace):
    kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=a=1")
    kubectl("-n", namespace, "label", "configmap", "settings", "tier=front")
    kubectl("-n", namespace, "annotate", "configmap", "settings", "note=hello")
    kubectl("-n", namespace, "patch", "configmap", "settings", "--type", "merge", "-p", '{"data":{"b":"2"}}')
    found = kubectl.json("-n", namespace, "get", "configmap", "settings")
    assert found["data"] == {"a": "1", "b": "2"}
    assert found["metadata"]["labels"] == {"tier": "front"}
    found["data"] = {"c": "3"}
    kubectl("-n", namespace, "replace", "-f", "-", stdin=json.dumps(found))
    assert kubectl.json("-n", namespace, "get", "configmap", "settings")["data"] == {"c": "3"}
    kubectl("-n", namespace, "delete", "configmap", "settings")
    gone = kubectl.run("-n", namespace, "get", "configmap", "settings")
    assert 'Error from server (NotFound): configmaps "settings" not found' in gone.stderr


def test_get_as_yaml_and_describe(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    rollout(kubectl, namespace)
    assert "kind: Deployment" in kubectl("-n", namespace, "get", "deployment", "web", "-o", "yaml")
    described = kubectl("-n", namespace, "describe", "deployment", "web")
    assert "RollingUpdateStrategy" in described and "ScalingReplicaSet" in described
    pod = kubectl.json("-n", namespace, "get", "pods")["items"][0]["metadata"]["name"]
    described = kubectl("-n", namespace, "describe", "pod", pod)
    assert "Scheduled" in described and "example.com/web:1" in described


def test_watch_sees_changes(kubectl, namespace):
    watch = subprocess.Popen(
        [kubectl.program, "--kubeconfig", kubectl.plane.kubeconfig, "-n", namespace, "get",
         "configmaps", "-w", "-o", "name"], stdout=subprocess.PIPE, text=True)
    try:
        kubectl("-n", namespace, "create", "configmap", "seen", "--from-literal=a=1")
        assert any("configmap/seen" in line for line in watch.stdout)
    finally:
        watch.kill()


def test_explain_and_api_resources(kubectl):
    assert "nodeName" in kubectl("explain", "pod.spec")
    resources = kubectl("api-resources")
    for name in ("pods", "deployments", "schedulingpolicies", "leases"):
        assert name in resources


def test_who_may_do_what(kubectl):
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    answer = kubectl.run("auth", "can-i", "create", "pods", "--as", "somebody")
    assert answer.stdout.strip() == "no"


def test_errors_say_what_is_wrong(kubectl, namespace):
    bad = kubectl.run("-n", namespace, "apply", "-f", "-", stdin=DEPLOYMENT.replace("app: web}}\n  template", "app: other}}\n  template"))
    assert bad.returncode != 0 and "selector" in bad.stderr


def test_a_pod_that_fits_nowhere_says_why(kubectl, namespace):
    kubectl("-n", namespace, "run", "huge", "--image=x", "--overrides", json.dumps(
        {"spec": {"containers": [{"name": "huge", "image": "x", "resources": {"requests": {"cpu": "1000"}}}]}}))
    def told():
        pod = kubectl.json("-n", namespace, "get", "pod", "huge")
        conditions = {c["type"]: c for c in pod["status"].get("conditions", [])}
        return "Insufficient cpu" in conditions.get("PodScheduled", {}).get("message", "")
    eventually(told)


def policy_status(kubectl):
    return kubectl.json("get", "schedulingpolicy", "default").get("status", {})


def test_strategies_are_exchanged_live(kubectl):
    for strategy in ("bin-packing", "affinity", "spread"):
        kubectl("patch", "schedulingpolicy", "default", "--type", "merge", "-p", json.dumps({"spec": {"strategy": strategy}}))
        eventually(lambda: policy_status(kubectl).get("active", {}).get("id") == strategy)


def test_a_shadow_is_told_of_while_there_is_one(kubectl):
    def with_shadow(strategy, conditions):
        kubectl("patch", "schedulingpolicy", "default", "--type", "merge", "-p", json.dumps({"spec": {"shadow": strategy}}))
        eventually(lambda: {
            c["type"]: c["status"] for c in policy_status(kubectl).get("conditions", [])} == conditions)
    with_shadow("affinity", {"Active": "True", "ShadowActive": "True"})
    with_shadow("nonesuch", {"Active": "True", "ShadowActive": "False"})
    with_shadow(None, {"Active": "True"})


def edited(kubectl, script, *words):
    """What kubectl edit says when its editor is `sed -i script`."""
    return subprocess.run(
        [kubectl.program, "--kubeconfig", kubectl.plane.kubeconfig, *words],
        env={**os.environ, "KUBE_EDITOR": f"sed -i {script}"}, capture_output=True, text=True, timeout=60)


def test_edit(kubectl, namespace):
    kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=a=before")
    done = edited(kubectl, "s/before/after/", "-n", namespace, "edit", "configmap", "settings")
    assert "configmap/settings edited" in done.stdout
    assert kubectl.json("-n", namespace, "get", "configmap", "settings")["data"] == {"a": "after"}
    done = edited(kubectl, "s/nothing/like/", "-n", namespace, "edit", "configmap", "settings")
    assert "no changes made" in done.stdout + done.stderr


def test_every_sort_of_patch(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    patch = lambda kind, body: kubectl("-n", namespace, "patch", "deployment", "web", "--type", kind, "-p", json.dumps(body))
    patch("json", [{"op": "replace", "path": "/spec/replicas", "value": 1}])
    patch("merge", {"spec": {"minReadySeconds": 1}})
    patch("strategic", {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}})
    spec = kubectl.json("-n", namespace, "get", "deployment", "web")["spec"]
    assert (spec["replicas"], spec["minReadySeconds"]) == (1, 1)
    assert [c["name"] for c in spec["template"]["spec"]["containers"]] == ["side", "main"]
    bad = kubectl.run("-n", namespace, "patch", "deployment", "web", "--type", "json", "-p", '[{"op":"remove","path":"/spec/nope"}]')
    assert bad.returncode != 0 and "The request is invalid" in bad.stderr


def test_diff_and_dry_run_change_nothing(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    changed = DEPLOYMENT.replace("web:1", "web:2")
    diff = kubectl.run("-n", namespace, "diff", "-f", "-", stdin=changed)
    assert diff.returncode == 1 and "+      - image: example.com/web:2" in diff.stdout
    assert "server dry run" in kubectl("-n", namespace, "apply", "--dry-run=server", "-f", "-", stdin=changed)
    assert kubectl.run("-n", namespace, "diff", "-f", "-", stdin=DEPLOYMENT).returncode == 0


def test_a_rollout_is_paused_resumed_and_restarted(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    rollout(kubectl, namespace)
    kubectl("-n", namespace, "rollout", "pause", "deployment", "web")
    kubectl("-n", namespace, "set", "image", "deployment/web", "main=example.com/web:2")
    kubectl("-n", namespace, "set", "env", "deployment/web", "A=b")
    sets = lambda: len(kubectl.json("-n", namespace, "get", "replicasets")["items"])
    assert sets() == 1
    kubectl("-n", namespace, "rollout", "resume", "deployment", "web")
    rollout(kubectl, namespace)
    assert sets() == 2, "both changes are one rollout"
    kubectl("-n", namespace, "rollout", "restart", "deployment", "web")
    rollout(kubectl, namespace)
    assert sets() == 3


def test_deletion_that_cascades_and_that_does_not(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    rollout(kubectl, namespace)
    kubectl("-n", namespace, "delete", "deployment", "web", "--cascade=orphan")
    sets = kubectl.json("-n", namespace, "get", "replicasets")["items"]
    assert len(sets) == 1 and "ownerReferences" not in sets[0]["metadata"]
    apply(kubectl, namespace, DEPLOYMENT)
    rollout(kubectl, namespace)
    adopted = kubectl.json("-n", namespace, "get", "replicasets")["items"]
    assert [s["metadata"]["uid"] for s in adopted] == [sets[0]["metadata"]["uid"]]
    kubectl("-n", namespace, "delete", "deployment", "web", "--cascade=foreground", "--wait=true")
    assert kubectl.json("-n", namespace, "get", "replicasets")["items"] == []


def test_prune_kustomize_and_sets_of_files(kubectl, namespace, tmp_path):
    a, b = ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": n, "labels": {"of": "set"}}} for n in "ab")
    apply(kubectl, namespace, json.dumps({"apiVersion": "v1", "kind": "List", "items": [a, b]}))
    # By itself 1.20 prunes kinds that no server of today has.
    kinds = "--prune-whitelist" if "1.20" in str(kubectl.program) else "--prune-allowlist"
    kubectl("-n", namespace, "apply", "--prune", f"{kinds}=core/v1/ConfigMap", "-l", "of=set", "-f", "-", stdin=json.dumps(a))
    names = lambda: {c["metadata"]["name"] for c in kubectl.json("-n", namespace, "get", "configmaps", "-l", "of=set")["items"]}
    assert names() == {"a"}
    (tmp_path / "kustomization.yaml").write_text("namePrefix: z-\ncommonLabels: {of: set}\nconfigMapGenerator: [{name: g, literals: [a=b]}]\n")
    kubectl("-n", namespace, "apply", "-k", str(tmp_path))
    assert {n[:4] for n in names()} == {"a", "z-g-"}
    kubectl("-n", namespace, "delete", "-k", str(tmp_path))
    kubectl("-n", namespace, "delete", "configmaps", "-l", "of=set")
    assert names() == set()


def test_a_service_finds_its_pods(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT)
    rollout(kubectl, namespace)
    kubectl("-n", namespace, "expose", "deployment", "web", "--port", "80", "--target-port", "8080")
    pods = {p["status"]["podIP"] for p in kubectl.json("-n", namespace, "get", "pods")["items"]}
    def found():
        subsets = kubectl.json("-n", namespace, "get", "endpoints", "web").get("subsets", [])
        slices = kubectl.json("-n", namespace, "get", "endpointslices", "-l", "kubernetes.io/service-name=web")["items"]
        return ({a["ip"] for s in subsets for a in s["addresses"]} == pods
                and {a for s in slices for e in s["endpoints"] for a in e["addresses"]} == pods)
    eventually(found)


def test_a_node_is_cordoned_drained_and_tainted(kubectl, namespace):
    apply(kubectl, namespace, DEPLOYMENT.replace("replicas: 2", "replicas: 3"))
    rollout(kubectl, namespace)
    on = lambda: {p["spec"].get("nodeName") for p in kubectl.json("-n", namespace, "get", "pods")["items"]
                  if "deletionTimestamp" not in p["metadata"]}
    assert len(on()) == 3
    kubectl("drain", "node-2", "--ignore-daemonsets", "--force", "--timeout", "60s")
    try:
        assert "Ready,SchedulingDisabled" in kubectl("get", "node", "node-2")
        rollout(kubectl, namespace)
        assert "node-2" not in on()
        kubectl("taint", "nodes", "node-1", "k=v:NoExecute")
        eventually(lambda: on() == {"node-3"})
    finally:
        kubectl("uncordon", "node-2")
        kubectl("taint", "nodes", "node-1", "k-")


def test_status_is_written_beside_the_spec(kubectl, namespace):
    kubectl("-n", namespace, "run", "one", "--image=x", "--restart=Never")
    kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/one", "--timeout=60s")
    # What kubectl patch --subresource=status sends; 1.20 does not know the flag.
    status, _ = kubectl.plane.curl(
        f"/api/v1/namespaces/{namespace}/pods/one/status", "-X", "PATCH", "-H", "Content-Type: application/merge-patch+json",
        "-d", '{"status":{"message":"hello"},"metadata":{"labels":{"not":"here"}},"spec":{"nodeName":"else"}}')
    assert status == 200
    pod = kubectl.json("-n", namespace, "get", "pod", "one")
    assert pod["status"]["message"] == "hello" and pod["spec"]["nodeName"] != "else"


def test_tokens_roles_and_who_somebody_is(kubectl, namespace):
    kubectl("-n", namespace, "create", "serviceaccount", "robot")
    kubectl("-n", namespace, "create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    kubectl("-n", namespace, "create", "rolebinding", "robot", "--role=reader", f"--serviceaccount={namespace}:robot")
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/robot/token"
    status, made = kubectl.plane.curl(path, "-H", "Content-Type: application/json", "-d", '{"spec":{}}')
    assert status == 201
    token = json.loads(made)["status"]["token"]
    assert kubectl.plane.curl(f"/api/v1/namespaces/{namespace}/configmaps", token=token)[0] == 200
    assert kubectl.plane.curl(f"/api/v1/namespaces/{namespace}/secrets", token=token)[0] == 403
    robot = f"system:serviceaccount:{namespace}:robot"
    assert kubectl("-n", namespace, "auth", "can-i", "list", "configmaps", "--as", robot).strip() == "yes"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader", "namespace": namespace},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]}
    kubectl("-n", namespace, "auth", "reconcile", "-f", "-", stdin=json.dumps(role))
    assert kubectl.plane.curl(f"/api/v1/namespaces/{namespace}/secrets", token=token)[0] == 200


def test_what_is_not_served_says_so(kubectl, namespace):
    kubectl("-n", namespace, "run", "one", "--image=x", "--restart=Never")
    kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/one", "--timeout=60s")
    for words in (["logs", "one"], ["exec", "one", "--", "ls"], ["port-forward", "one", "8080:80"], ["attach", "one"]):
        said = kubectl.run("-n", namespace, *words)
        assert said.returncode != 0 and "the server could not find the requested resource" in said.stderr
    assert "Metrics API not available" in kubectl.run("top", "nodes").stderr
    applied = kubectl.run("-n", namespace, "apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    assert applied.returncode != 0 and "unknown format" in applied.stderr
    assert 'the server doesn\'t have a resource type "nope"' in kubectl.run("get", "nope").stderr


def test_a_namespace_goes_with_all_that_is_in_it(kubectl, namespace):
    within = lambda *words: kubectl("-n", namespace, "create", *words)
    apply(kubectl, namespace, DEPLOYMENT)
    within("configmap", "c", "--from-literal=a=b")
    within("secret", "generic", "s", "--from-literal=a=b")
    within("quota", "q", "--hard=pods=30")
    within("role", "r", "--verb=get", "--resource=pods")
    within("job", "j", "--image=x")
    within("ingress", "i", "--rule=a.com/*=web:80")
    within("service", "nodeport", "n", "--tcp=80:80")
    rollout(kubectl, namespace)
    kubectl("delete", "namespace", namespace, "--wait=true", "--timeout=60s")
    assert "NotFound" in kubectl.run("get", "namespace", namespace).stderr
    kubectl("create", "namespace", namespace)
