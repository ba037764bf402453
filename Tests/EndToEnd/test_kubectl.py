"""What people do with kubectl, with an old one and a new one."""
import json

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
    import subprocess
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


def test_strategies_are_exchanged_live(kubectl):
    for strategy in ("bin-packing", "affinity", "spread"):
        kubectl("patch", "schedulingpolicy", "default", "--type", "merge", "-p", json.dumps({"spec": {"strategy": strategy}}))
        eventually(lambda: kubectl.json("get", "schedulingpolicy", "default")["status"]["active"]["id"] == strategy)
