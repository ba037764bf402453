"""curl with HTTP/1.1 and HTTP/2, and the Python client."""
import json
import os
import random
import re
import subprocess

import pytest

import crash
from plane import BIN, ControlPlane


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_gets_json_over(plane, version):
    status, body = plane.curl("/api/v1/namespaces/default", version)
    assert status == 200 and json.loads(body)["metadata"]["name"] == "default"


def test_curl_applies_yaml(plane):
    yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-curl}\ndata: {a: '1'}\n"
    status, body = plane.curl("/api/v1/namespaces/default/configmaps", "-H",
                              "Content-Type: application/yaml", "--data-binary", yaml)
    assert status == 201, body
    assert plane.curl("/api/v1/namespaces/default/configmaps/from-curl", "-X", "DELETE")[0] == 200


def test_health_version_and_metrics(plane):
    assert plane.curl("/readyz") == (200, "ok")
    assert plane.curl("/livez") == (200, "ok")
    assert plane.get("/version")["major"] == "1"
    status, body = plane.curl("/metrics")
    assert status == 200 and "apiserver_request_total" in body


def test_a_stranger_is_refused(plane):
    status, body = plane.curl("/api/v1/namespaces/default/pods", token="wrong")
    assert status == 401 and json.loads(body)["reason"] == "Unauthorized"
    status, body = plane.curl("/api/v1/namespaces/default/pods", token="nobody-token")
    assert status == 403
    assert json.loads(body)["message"] == (
        'pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "default"')


def test_a_body_that_is_too_large_is_refused(plane, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(b"x" * (3 * 1024 * 1024 + 1))
    assert plane.curl("/api/v1/namespaces/default/configmaps", "-H", "Content-Type: application/json",
                      "--data-binary", f"@{large}")[0] == 413


def test_the_python_client_lists_creates_watches_and_deletes(plane):
    kubernetes = pytest.importorskip("kubernetes", reason="the Python client could not be installed")
    api = kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(plane.kubeconfig))
    assert len(api.list_node().items) == 3
    body = {"metadata": {"generateName": "py-", "labels": {"by": "python"}}, "data": {"a": "1"}}
    made = api.create_namespaced_config_map("default", body)
    assert made.metadata.name.startswith("py-")
    watch = kubernetes.watch.Watch()
    for event in watch.stream(api.list_namespaced_config_map, "default", label_selector="by=python"):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", made.metadata.name)
        watch.stop()
    api.delete_namespaced_config_map(made.metadata.name, "default")
    with pytest.raises(kubernetes.client.ApiException) as error:
        api.read_namespaced_config_map(made.metadata.name, "default")
    assert error.value.status == 404


def test_the_python_client_updates_and_is_told_of_conflicts(plane):
    kubernetes = pytest.importorskip("kubernetes", reason="the Python client could not be installed")
    api = kubernetes.client.AppsV1Api(kubernetes.config.new_client_from_config(plane.kubeconfig))
    labels = {"app": "py"}
    made = api.create_namespaced_deployment("default", {
        "metadata": {"name": "py"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x"}]}}}})
    made.spec.replicas = 2
    # The controller writes to it meanwhile, and a replace without its version takes what is there.
    made.metadata.resource_version = None
    newer = api.replace_namespaced_deployment("py", "default", made)
    assert newer.spec.replicas == 2 and newer.metadata.generation == 2
    newer.metadata.resource_version = "1"
    with pytest.raises(kubernetes.client.ApiException) as error:
        api.replace_namespaced_deployment("py", "default", newer)
    assert error.value.status == 409
    assert api.read_namespaced_deployment_scale("py", "default").spec.replicas == 2
    api.patch_namespaced_deployment_scale("py", "default", {"spec": {"replicas": 0}})
    assert api.read_namespaced_deployment("py", "default").spec.replicas == 0
    api.delete_namespaced_deployment("py", "default", propagation_policy="Foreground")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_watches_over(plane, version):
    since = plane.get("/api/v1/namespaces/default/configmaps")["metadata"]["resourceVersion"]
    name = "watched" + version.strip("-").replace(".", "")
    for method, path, body in [("POST", "", {"metadata": {"name": name}}),
                               ("PUT", f"/{name}", {"metadata": {"name": name}, "data": {"a": "1"}}),
                               ("DELETE", f"/{name}", {})]:
        status, _ = plane.curl(f"/api/v1/namespaces/default/configmaps{path}", version, "-X", method, "-H",
                               "Content-Type: application/json", "-d", json.dumps(body))
        assert status in (200, 201)
    status, lines = plane.curl(
        "/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=1&fieldSelector=metadata.name="
        f"{name}&resourceVersion={since}", version)
    assert status == 200
    assert [json.loads(line)["type"] for line in lines.splitlines()] == ["ADDED", "MODIFIED", "DELETED"]


def test_what_was_acknowledged_is_there_after_kill_9(tmp_path):
    rounds = int(os.environ.get("MARTLET_CRASH_ROUNDS", "3"))
    figures = crash.run(tmp_path, rounds, seed=random.randrange(1 << 32))
    assert figures.lost == [], figures
    assert figures.writes > 0


def test_a_second_server_on_the_same_data_is_refused(plane, tmp_path):
    second = subprocess.run([BIN / "martlet", "serve", "--data-dir", plane.data, "--listen", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=60)
    assert second.returncode == 75 and "another server" in second.stderr


def test_sigterm_under_load_ends_watches_cleanly_and_loses_nothing(tmp_path):
    plane = ControlPlane(tmp_path, "--simulated-nodes", "3").start()
    path = "/api/v1/namespaces/default/configmaps"
    watches = [subprocess.Popen(
        ["curl", "-skN", version, "-H", "Authorization: Bearer admin-token", f"{plane.url}{path}?watch=true"],
        stdout=subprocess.PIPE, text=True) for version in ["--http1.1", "--http2"] * 10]
    clients = [crash.Client(plane, index, index) for index in range(4)]
    for client in clients:
        client.start()
    for watch in watches:
        assert "ADDED" in watch.stdout.readline()
    assert plane.stop() == 0
    for client in clients:
        client.join()
        assert client.error is None
    for watch in watches:
        lines = watch.stdout.read().splitlines()
        assert watch.wait(30) == 0, "curl says that the stream was cut"
        assert all(json.loads(line)["type"] in ("ADDED", "MODIFIED", "DELETED") for line in lines)
    plane.start()
    figures = crash.Figures(rounds=1)
    crash.check(plane, clients, 1, figures)
    assert figures.lost == [] and sum(client.writes for client in clients) > 0
    assert plane.stop() == 0


def test_a_damaged_segment_is_refused_and_named(tmp_path):
    plane = ControlPlane(tmp_path, "--disable", "controllers,scheduler").start()
    for n in range(20):
        body = json.dumps({"metadata": {"name": f"c{n}"}, "data": {"a": "x" * 1000}})
        assert plane.curl("/api/v1/namespaces/default/configmaps", "-H", "Content-Type: application/json", "-d", body)[0] == 201
    assert plane.stop() == 0
    segment = plane.data / "log/0000000001.log"
    damaged = bytearray(segment.read_bytes())
    place = damaged.index(b"c10")
    damaged[place] ^= 1
    segment.write_bytes(damaged)
    done = subprocess.run([BIN / "martlet", "serve", "--data-dir", plane.data, "--listen", "127.0.0.1:0"],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (65, "") and done.stderr.count("\n") == 1
    said = re.fullmatch(r"the log is damaged: (\S+), offset (\d+): (.+)\n", done.stderr)
    assert said and said[1] == str(segment)
    assert 0 <= place - int(said[2]) < 4096, "the record that holds the damaged byte"
    assert f"martlet store salvage --data-dir {plane.data}" in said[3]
    assert "martlet store restore SNAPSHOT" in said[3]
