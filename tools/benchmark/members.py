"""Three members of Martlet's store on this machine, and three of etcd, under the same loads."""
import base64
import http.client
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time

from process import Process
from server import StartFailed, free_port

NAMES = ("n1", "n2", "n3")
PATIENCE_SECONDS = 60
#: Loads: puts at saturation, and of one client after the other.
SATURATION, LATENCY = 100_000, 1_000
#: How long a leader is away, and how often that is done in a turn.
AWAY_SECONDS, KILLS = 2.5, 3


def measure(cluster):
    """Figures of a cluster, which is at an end then."""
    try:
        return cluster.figures()
    finally:
        cluster.stop()


class MartletMembers:
    """Three processes with a store each, called in the process that leads, over TLS between them."""

    def __init__(self, bench, directory):
        self.bench, self.directory = bench, directory
        keys = os.path.join(directory, "keys")
        os.makedirs(keys)
        subprocess.run([bench, "keys", keys, *NAMES], check=True)
        self.founders = [f"{name}=127.0.0.1:{free_port()}" for name in NAMES]
        self.members = {name: self._start(name) for name in NAMES}

    def _start(self, name):
        return Talk([self.bench, "member", os.path.join(self.directory, name),
                     os.path.join(self.directory, "keys"), name, *self.founders])

    def figures(self):
        leader = self.leader()
        cpu = self._cpu()
        puts = leader.ask(f"puts {SATURATION} 1000 256")
        cpu = self._cpu() - cpu
        latency = leader.ask(f"latency {LATENCY}")
        return {"puts3": puts["put 256 B, 1000 in flight"],
                "put_cpu3": cpu * 1e6 / SATURATION,
                "latency3": latency["put, one client, median"],
                "outage3": [self._outage() for _ in range(KILLS)]}

    def _cpu(self):
        return sum(Process(member.child.pid).cpu_s for member in self.members.values())

    def leader(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for member in self.members.values():
                if member.is_leader():
                    return member
            time.sleep(0.01)
        raise StartFailed("nobody leads")

    def _outage(self):
        """Seconds without an acknowledged put at a member that stays, when the leader is killed."""
        leader = self.leader()
        name = next(name for name, member in self.members.items() if member is leader)
        other = next(member for member in self.members.values() if member is not leader)
        other.say("gap")
        time.sleep(AWAY_SECONDS / 5)
        leader.kill()
        time.sleep(AWAY_SECONDS)
        gap = other.ask("enough")["longest time between two puts"] / 1e3
        self.members[name] = self._start(name)
        time.sleep(AWAY_SECONDS / 5)
        return gap

    def stop(self):
        for member in self.members.values():
            member.kill()
        shutil.rmtree(self.directory)


class Talk:
    """A member's process, which says things and is told what to do."""

    def __init__(self, command):
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines, self.leads = queue.Queue(), False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.child.stdout:
            if line in ("leads\n", "follows\n"):
                self.leads = line == "leads\n"
            else:
                self.lines.put(line)

    def is_leader(self):
        return self.leads and self.child.poll() is None

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def ask(self, line):
        """What it says until it is done, as figures."""
        self.say(line)
        figures = {}
        while True:
            try:
                said = self.lines.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                raise StartFailed(f"a member did not do what it was told: {line}") from None
            if said == "done\n":
                return figures
            title, number = re.match(r"(.+): (-?[\d.e+-]+) ", said).groups()
            figures[title] = float(number)

    def kill(self):
        self.child.kill()
        self.child.wait()


class EtcdMembers:
    """Three processes of etcd, without TLS, called by gRPC at the one that leads."""

    def __init__(self, binary, client, directory):
        self.binary, self.client, self.directory = binary, client, directory
        os.makedirs(directory)
        self.ports = {name: (free_port(), free_port()) for name in NAMES}
        self.cluster = ",".join(
            f"{name}=http://127.0.0.1:{peer}" for name, (_, peer) in self.ports.items())
        self.members = {name: self._start(name) for name in NAMES}

    def _start(self, name):
        port, peer = self.ports[name]
        urls = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
        with open(os.path.join(self.directory, name + ".log"), "a") as log:
            return subprocess.Popen(
                [self.binary, "--name", name, "--data-dir", os.path.join(self.directory, name),
                 "--log-level", "error", "--listen-client-urls", urls[0],
                 "--advertise-client-urls", urls[0], "--listen-peer-urls", urls[1],
                 "--initial-advertise-peer-urls", urls[1], "--initial-cluster", self.cluster],
                stdout=log, stderr=log)

    def figures(self):
        leader = self.leader()
        cpu = self._cpu()
        puts = self._load(leader, "put", SATURATION, 1000, 256)
        cpu = self._cpu() - cpu
        latency = self._load(leader, "put", LATENCY, 1, 1024)
        return {"puts3": puts["count"] / puts["seconds"],
                "put_cpu3": cpu * 1e6 / puts["count"],
                "latency3": latency["median_us"],
                "outage3": [self._outage() for _ in range(KILLS)]}

    def _cpu(self):
        return sum(Process(member.pid).cpu_s for member in self.members.values())

    def _load(self, name, *numbers):
        said = subprocess.run([self.client, str(self.ports[name][0]), *map(str, numbers)],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        return json.loads(said)

    def leader(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for name in NAMES:
                try:
                    status = self._ask(name, "/v3/maintenance/status", {})
                except (OSError, http.client.HTTPException, ValueError):
                    continue
                if status.get("leader") == status.get("header", {}).get("member_id"):
                    return name
            time.sleep(0.05)
        raise StartFailed("no etcd leads")

    def _ask(self, name, path, body, seconds=2):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name][0], timeout=seconds)
        try:
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise ValueError(text)
            return json.loads(text)
        finally:
            connection.close()

    def _outage(self):
        leader = self.leader()
        other = next(name for name in NAMES if name != leader)
        put = {"key": base64.b64encode(b"outage").decode(), "value": ""}
        killed, began, last, longest = False, time.monotonic(), time.monotonic(), 0.0
        while time.monotonic() - began < AWAY_SECONDS * 1.2:
            if not killed and time.monotonic() - began > AWAY_SECONDS / 5:
                killed = True
                self.members[leader].kill()
                self.members[leader].wait()
            try:
                # Asked again soon, as a put given to a leader that is gone is answered late.
                self._ask(other, "/v3/kv/put", put, seconds=0.1)
            except (OSError, http.client.HTTPException, ValueError):
                continue
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        longest = max(longest, time.monotonic() - last)
        self.members[leader] = self._start(leader)
        time.sleep(AWAY_SECONDS / 5)
        return longest

    def stop(self):
        for member in self.members.values():
            member.kill()
            member.wait()
        shutil.rmtree(self.directory)
