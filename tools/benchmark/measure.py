"""What is measured: loads on a server, and what they cost it."""
import os
import re
import subprocess
import time

import fixtures
from server import TOKEN

PODS = "/api/v1/namespaces/default/pods"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
GETS = 20_000
LISTS = 20
UPDATES = 200
SETTLE_SECONDS = 3


def load(server, path, requests, headers=(), body=None, connections=4, streams=16):
    """Server CPU in microseconds a request, and requests a second, under h2load."""
    command = ["h2load", "-n", str(requests), "-c", str(connections), "-m", str(streams),
               "-t", "1", "-H", f"Authorization: Bearer {TOKEN}"]
    for header in headers:
        command += ["-H", header]
    if body is not None:
        command += ["-d", body]
    before = server.cpu_s
    said = subprocess.run(command + [f"https://127.0.0.1:{server.port}{path}"],
                          capture_output=True, text=True, check=True).stdout
    cpu_s = server.cpu_s - before
    good = int(re.search(r"status codes: (\d+) 2xx", said).group(1))
    if good != requests:
        raise SystemExit(f"{path}: {requests - good} of {requests} requests failed\n{said}")
    rate = float(re.search(r"finished in [^,]+, ([\d.]+) req/s", said).group(1))
    return {"server_cpu_us": round(cpu_s * 1e6 / requests, 1), "requests_s": round(rate, 1)}


def requests(server, work, pods):
    """Creates, gets and lists, in both encodings; `pods` are there afterwards."""
    accept = f"Accept: {fixtures.PROTOBUF}"
    bodies = {"pod.json": fixtures.pod_json(), "pod.pb": fixtures.pod_protobuf()}
    for name, content in bodies.items():
        with open(os.path.join(work, name), "wb") as file:
            file.write(content)
    out = {}
    out["create_json"] = load(server, PODS, pods // 2, ["Content-Type: application/json"],
                              os.path.join(work, "pod.json"))
    out["create_protobuf"] = load(
        server, PODS, pods // 2, [f"Content-Type: {fixtures.PROTOBUF}", accept],
        os.path.join(work, "pod.pb"))
    first = server.expect("GET", PODS + "?limit=1")["items"][0]["metadata"]["name"]
    out["get_json"] = load(server, f"{PODS}/{first}", GETS)
    out["get_protobuf"] = load(server, f"{PODS}/{first}", GETS, [accept])
    out["list_json"] = load(server, PODS, LISTS, connections=2, streams=1)
    out["list_protobuf"] = load(server, PODS, LISTS, [accept], connections=2, streams=1)
    return out


def watches(server, work, count):
    """Many watches of one object that changes: CPU for each event on each watch, and memory."""
    server.expect("POST", CONFIG_MAPS, {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "watched"},
        "data": {"n": "0"}})
    memory_mb = server.memory_mb
    path = CONFIG_MAPS + "?watch=1&fieldSelector=metadata.name%3Dwatched&timeoutSeconds=600"
    client = subprocess.Popen(
        [os.path.join(work, "watchers"), str(server.port), TOKEN, path, str(count),
         str(count * UPDATES)], stdout=subprocess.PIPE, text=True)
    if client.stdout.readline() != "open\n":
        raise SystemExit("the watches could not be opened")
    time.sleep(SETTLE_SECONDS)
    kb_each = (server.memory_mb - memory_mb) * 1024 / count
    before, began = server.cpu_s, time.monotonic()
    for n in range(1, UPDATES + 1):
        server.expect("PATCH", CONFIG_MAPS + "/watched", {"data": {"n": str(n)}},
                      "application/merge-patch+json")
    if client.stdout.readline() != "done\n":
        raise SystemExit("a watch missed events")
    events = count * UPDATES
    return {"server_cpu_us_per_event": round((server.cpu_s - before) * 1e6 / events, 2),
            "events_s": round(events / (time.monotonic() - began)),
            "kb_per_watcher": round(kb_each, 1)}
