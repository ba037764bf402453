"""Measures Martlet's store and etcd in turns. tools/bench calls this."""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import etcd
import members
import yardstick
from server import StartFailed

#: The large stores take most of the time: no turn of theirs begins later than this.
LARGE_BEGINS_SECONDS_MAX = 200
#: Of the loads on etcd.
SATURATION, PIPE, LATENCY, LIST, WATCHERS, CHANGES = 100_000, 20_000, 1_000, 10_000, 1_000, 200
#: Where threads wake one another, a busy neighbour costs milliseconds: the quietest round counts.
ROUNDS = 5

LESS, MORE = "<=", ">="
#: Title, unit, name, and the goal: relation, number, and whether it is a multiple of etcd's figure.
ROWS = [
    ("puts of 256 B, 1,000 in flight, one member", "/s", "puts", (MORE, 4, True)),
    ("CPU for each of them", "us", "put_cpu", (LESS, 0.25, True)),
    ("... etcd's less its cost of an empty read", "us", "put_cpu_alone", (LESS, 0.25, True)),
    ("bytes written for each put of 1 KB, 64 in flight", "B", "written", (LESS, 1300, False)),
    ("median put of 1 KB, one client", "us", "latency", (LESS, 0.6, True)),
    ("... etcd's less its median of an empty read", "us", "latency_alone", (LESS, 0.6, True)),
    ("list of 10,000 x 1 KB: extra memory", "MB", "list_memory", (LESS, 4, False)),
    ("memory with {keys} keys (64 B, and 256 B of value)", "MB", "memory", (LESS, 200, False)),
    ("... with the pages of files that are in memory", "MB", "resident", None),
    ("data directory at birth", "MB", "birth", (LESS, 2, False)),
    ("start to first read", "ms", "start", (LESS, 30, False)),
    ("restart with {keys} keys, two versions of each", "ms", "restart", (LESS, 1000, False)),
    ("data directory then", "MB", "large", None),
    ("longest put while {keys} revisions are compacted", "ms", "longest", (LESS, 20, False)),
    ("events to 1,000 watchers of one key", "/s", "events", (MORE, 1_000_000, False)),
    ("CPU for each event", "us", "event_cpu", None),
    ("puts of 256 B, 1,000 in flight, three members", "/s", "puts3", (MORE, 3, True)),
    ("CPU of all three for each of them", "us", "put_cpu3", (LESS, 0.25, True)),
    ("median put of 1 KB, one client, three members", "us", "latency3", None),
    ("no put for so long after kill -9 of the leader: median", "s", "outage3", (LESS, 0.5, False)),
    ("... longest of {kills}", "s", "outage3_max", (LESS, 1, False)),
]
NOTES = """\
Martlet's store is called in the process: its CPU counts the load generator too, but no transport.
etcd is called by gRPC over loopback without TLS, by a client on the same cores: its CPU is the
server's own, its rates and times include client and transport. So that transport can be told from
store, two rows take off what etcd needs for a read of a key that is not there, asked in the same
way. Both sync every write, on the same disk. Memory is what is no file's (RssAnon); of etcd it
counts what its garbage collector has yet to free. A list visits the entries of Martlet's store
where they lie; etcd makes one answer of them. A start, and a restart, begin with the process.
etcd's compaction is asked to answer when all is done, and puts go on until then; Martlet's goes on
in the background, and puts go on for three seconds. Latency and events are those of the quietest
of five rounds in each turn: on a busy machine waking threads takes longer than the work.
Three members run on this machine, Martlet's over mutual TLS, etcd's without; puts are made at the
one that leads, and while leaders are killed, at another that stays."""


def main():
    asked = argparse.ArgumentParser()
    for name in ("--bench", "--member-bench", "--etcd", "--work"):
        asked.add_argument(name, required=True)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--pairs", type=int, default=3)
    asked.add_argument("--keys", type=int, default=1_000_000)
    asked = asked.parse_args()
    machine = yardstick.measure(asked.work)
    try:
        measured = run(asked)
    except StartFailed as failure:
        raise SystemExit(str(failure)) from failure
    sides = {side: {name: statistics.median(values) for name, values in figures.items()}
             for side, figures in measured.items()}
    for side, figures in measured.items():
        if "outage3" in figures:
            sides[side]["outage3_max"] = max(figures["outage3"])
    turns = {name: len(values) for name, values in measured["martlet"].items()}
    turns["outage3_max"] = turns["outage3"]
    if asked.json:
        print(json.dumps({"machine": machine, "turns": turns, **sides}))
    else:
        show(sides, turns, machine, asked)


def run(asked):
    """All figures of all turns: side, name, list."""
    began = time.monotonic()
    sides = {"martlet": Martlet(asked.bench, asked.member_bench, asked.work, asked.keys)}
    if os.access(asked.etcd, os.X_OK):
        client = os.path.join(asked.work, "etcd_client")
        sides["etcd"] = EtcdSide(asked.etcd, client, asked.work, asked.keys)
    measured = {side: {} for side in sides}
    for turn in range(asked.pairs):
        parts = ["small", "three"]
        if time.monotonic() - began < LARGE_BEGINS_SECONDS_MAX:
            parts.append("large")
        for part in parts:
            # Who comes first changes, as the disk may remember who came before.
            for side in sorted(sides, reverse=turn % 2 == 0):
                what = "three members" if part == "three" else f"{part} store"
                print(f"==> turn {turn + 1} of {asked.pairs}: {side}, {what}", file=sys.stderr)
                for name, value in getattr(sides[side], part)().items():
                    values = value if isinstance(value, list) else [value]
                    measured[side].setdefault(name, []).extend(values)
                sides[side].clean()
    return measured


class Martlet:
    """The store in a process of its own for each part, so that none inherits another's memory."""

    def __init__(self, bench, member_bench, work, keys):
        self.bench, self.member_bench = bench, member_bench
        self.keys, self.directory = keys, os.path.join(work, "martlet")

    def three(self):
        return members.measure(members.MartletMembers(self.member_bench, self.directory))

    def small(self):
        started = self.open("birth")
        figures = {"start": started, "birth": disk_mb(os.path.join(self.directory, "birth"))}
        latency = min(self.part("latency")["put, one client, median"] for _ in range(ROUNDS))
        figures["latency"] = figures["latency_alone"] = latency
        puts = self.part("puts")
        figures["puts"] = puts["put 256 B, 1000 in flight"]
        figures["put_cpu"] = figures["put_cpu_alone"] = puts["put 256 B, 1000 in flight, CPU"]
        figures["written"] = puts["put 1024 B, 64 in flight, written"]
        figures["list_memory"] = self.part("list")["visit 10,000 x 1 KB, extra memory"]
        watches = [self.part("watches") for _ in range(ROUNDS)]
        figures["events"] = max(each["events to 1,000 watchers"] for each in watches)
        figures["event_cpu"] = min(each["events to 1,000 watchers, CPU"] for each in watches)
        return figures

    def large(self):
        filled = self.part("large")
        figures = {"memory": filled["memory, filled"], "resident": filled["resident, filled"],
                   "large": disk_mb(os.path.join(self.directory, "large")),
                   "restart": self.open("large")}
        figures["longest"] = self.part("compaction")["longest put after compaction"]
        return figures

    def part(self, name):
        said = subprocess.run([self.bench, "figures", self.directory, str(self.keys), name],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        return {title: float(number)
                for title, number in re.findall(r"^(.+): (-?[\d.]+) ", said, re.MULTILINE)}

    def open(self, name):
        """Milliseconds from the start of a process to its first read."""
        os.makedirs(self.directory, exist_ok=True)
        began = time.monotonic()
        with subprocess.Popen([self.bench, "open", os.path.join(self.directory, name)],
                              stdout=subprocess.PIPE, text=True) as opening:
            first = opening.stdout.readline()
            milliseconds = (time.monotonic() - began) * 1e3
            opening.stdout.read()
        if "first read" not in first or opening.returncode != 0:
            raise SystemExit(f"the store {name} could not be opened")
        return milliseconds

    def clean(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class EtcdSide:
    """The same of etcd."""

    def __init__(self, binary, client, work, keys):
        self.keys, self.directory = keys, os.path.join(work, "etcd")
        self.start = lambda: etcd.Etcd(binary, client, self.directory)
        self.start_three = lambda: members.EtcdMembers(binary, client, self.directory)

    def three(self):
        return members.measure(self.start_three())

    def small(self):
        figures = {}
        with self.start() as server:
            figures["start"], figures["birth"] = server.start_ms, disk_mb(self.directory)
            one, absent = (min(server.load(*load)["median_us"] for _ in range(ROUNDS))
                           for load in (("put", LATENCY, 1, 1024), ("read", LATENCY, 1)))
            figures["latency"], figures["latency_alone"] = one, one - absent
            puts = server.cost("put", SATURATION, 1000, 256)
            read = server.cost("read", SATURATION, 1000)
            figures["puts"], figures["put_cpu"] = puts["per_s"], puts["cpu_us"]
            figures["put_cpu_alone"] = puts["cpu_us"] - read["cpu_us"]
            figures["written"] = server.cost("put", PIPE, 64, 1024)["written"]
            watches = [server.cost("watch", WATCHERS, CHANGES) for _ in range(ROUNDS)]
            figures["events"] = max(each["per_s"] for each in watches)
            figures["event_cpu"] = min(each["cpu_us"] for each in watches)
        with self.start() as server:  # Without garbage, which would hide what a list takes.
            before = heap = server.process.heap_mb

            def watch():
                nonlocal heap
                heap = max(heap, server.process.heap_mb)

            server.load("list", LIST, watch=watch)
            watch()
            figures["list_memory"] = heap - before
        return figures

    def large(self):
        with self.start() as server:
            server.load("fill", self.keys, 16, 256)
            figures = {"memory": server.process.heap_mb,
                       "resident": server.process.resident_mb * 1.048576}
            server.load("fill", self.keys, 16, 512)
        figures["large"] = disk_mb(self.directory)
        with self.start() as server:
            figures["restart"] = server.start_ms
            figures["longest"] = server.load("compact", 3)["longest_ms"]
        return figures

    def clean(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def disk_mb(directory):
    """What the files of a directory take on the disk, in MB of 1,000,000 bytes."""
    return sum(os.lstat(os.path.join(folder, file)).st_blocks * 512 / 1e6
               for folder, _, files in os.walk(directory) for file in files)


def show(sides, turns, machine, asked):
    ours, theirs = sides["martlet"], sides.get("etcd", {})
    version = etcd.version(asked.etcd) if theirs else "etcd"
    print(f"| | unit | martlet | {version} | ratio | goal | met | turns |")
    print("|---|---|---:|---:|---:|---:|---|---:|")
    for title, unit, name, goal in ROWS:
        one, other = ours[name], theirs.get(name)
        title = title.format(keys=f"{asked.keys:,}", kills=turns["outage3"])
        print(f"| {title} | {unit} | {cell(one)} | {cell(other)} | "
              f"{ratio(one, other)} | {goal_text(goal)} | {met(goal, one, other)} | "
              f"{turns[name]} |")
    print(f"\n{yardstick.sentence(machine)}\n\n{NOTES}")
    if not theirs:
        print("\nNo etcd could be had, so nothing is compared, and goals that are multiples of "
              "its figures are left open.")


def cell(value):
    if value is None:
        return "-"
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"


def ratio(one, other):
    return f"{one / other:.2f}" if other and other > 0 else "-"


def goal_text(goal):
    if goal is None:
        return ""
    relation, number, is_multiple = goal
    return f"{relation} {number:,}{' x' if is_multiple else ''}"


def met(goal, one, other):
    """Whether the goal is met; nothing if it cannot be said."""
    if goal is None:
        return ""
    relation, number, is_multiple = goal
    if is_multiple:
        if other is None or other <= 0:
            return ""
        number *= other
    return "yes" if (one <= number if relation == LESS else one >= number) else "**no**"


if __name__ == "__main__":
    main()
