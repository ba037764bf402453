"""Runs every measurement on one control plane and prints the figures. tools/bench calls this."""
import argparse
import json
import sys
import time

import measure
import yardstick
from server import Server, StartFailed

#: kube-apiserver 1.36 with etcd 3.5 on two cores, by the same loads; then what Martlet aims at.
ROWS = [
    ("create a pod, JSON: server CPU", "us", "create_json", 1866, 250),
    ("create a pod, protobuf: server CPU", "us", "create_protobuf", 1800, None),
    ("get a pod, JSON: server CPU", "us", "get_json", 654, 40),
    ("get a pod, protobuf: server CPU", "us", "get_protobuf", 628, 40),
    ("list of {pods} pods, JSON: server CPU", "ms", "list_json", 698, 120),
    ("list of {pods} pods, protobuf: server CPU", "ms", "list_protobuf", 560, 40),
    ("event to one of {watchers} watchers: server CPU", "us", "watch_event", 30.2, 12),
    ("memory of a watcher", "KB", "watcher_memory", 34, 30),
    ("memory, idle", "MB", "memory_idle", 516, 60),
    ("memory, with {pods} pods, after the loads", "MB", "memory_loaded", 1198, 150),
    ("memory, with {pods} pods, after a restart", "MB", "memory_restarted", None, None),
    ("start to ready, fresh", "s", "start_fresh", 2.96, 0.3),
    ("start to ready, with {pods} pods", "s", "start_loaded", None, 0.3),
]


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--martlet", required=True)
    asked.add_argument("--work", required=True)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--api-only", action="store_true")
    asked.add_argument("--pods", type=int, default=10_000)
    asked.add_argument("--watchers", type=int, default=1_000)
    asked = asked.parse_args()
    machine = yardstick.measure(asked.work)
    try:
        figures = run(asked)
    except StartFailed as failure:
        raise SystemExit(str(failure)) from failure
    if asked.json:
        print(json.dumps({**figures, "machine": machine}))
    else:
        show(figures, asked)
        print("\n" + yardstick.sentence(machine))
    if "start_loaded" not in figures:
        raise SystemExit(1)


def run(asked):
    figures = {}
    with Server(asked.martlet, asked.work, asked.api_only) as server:
        figures["start_fresh"] = server.start_s
        prepare(server, asked.api_only)
        time.sleep(measure.SETTLE_SECONDS)
        figures["memory_idle"] = server.memory_mb
        loads = measure.requests(server, asked.work, asked.pods)
        figures["memory_loaded"] = server.memory_mb
        watches = measure.watches(server, asked.work, asked.watchers)
    for name, cost in loads.items():
        scale = 1000 if name.startswith("list") else 1
        figures[name] = cost["server_cpu_us"] / scale
        figures[name + "_per_s"] = cost["requests_s"]
    figures["watch_event"] = watches["server_cpu_us_per_event"]
    figures["watch_event_per_s"] = watches["events_s"]
    figures["watcher_memory"] = watches["kb_per_watcher"]
    try:
        with Server(asked.martlet, asked.work, asked.api_only) as server:
            figures["start_loaded"] = server.start_s
            time.sleep(measure.SETTLE_SECONDS)
            figures["memory_restarted"] = server.memory_mb
    except StartFailed as failure:
        print(f"no figures of a restart: {failure}", file=sys.stderr)
    return {name: round(figure, 3) for name, figure in figures.items()}


def prepare(server, api_only):
    """Pods need the service account of their namespace; without controllers nobody makes it."""
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    if api_only:
        server.expect("POST", accounts, {
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
    deadline = time.monotonic() + 10
    while server.request("GET", accounts + "/default")[0] != 200:
        if time.monotonic() > deadline:
            raise SystemExit("the namespace default got no service account")
        time.sleep(0.05)


def show(figures, asked):
    def cell(value):
        return "-" if value is None else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"

    print("| | unit | kube-apiserver + etcd | goal | martlet | requests/s |")
    print("|---|---|---:|---:|---:|---:|")
    for title, unit, name, reference, goal in ROWS:
        title = title.format(pods=f"{asked.pods:,}", watchers=f"{asked.watchers:,}")
        rate = figures.get(name + "_per_s")
        print(f"| {title} | {unit} | {cell(reference)} | {cell(goal)} | {cell(figures.get(name))} | "
              f"{cell(rate) if rate else ''} |")


if __name__ == "__main__":
    main()
