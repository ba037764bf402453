"""Kills members of a cluster of three while clients write, and looks for what was acknowledged.

Needs Python's own library only; tools/member-rounds runs it.

usage: python3 members.py ROUNDS [SEED]

Clients write to whichever member answers. A round kills one member with SIGKILL, mostly the one
that leads, lets clients go on with the two that are left, starts it again, and compares what each
member lists with what the clients know. The outage is the longest time that a client had to wait
for its next acknowledged write.
"""
import http.client
import json
import pathlib
import random
import socket
import ssl
import sys
import tempfile
import threading
import time

from plane import ControlPlane

CLIENTS = 3
NAMES_PER_CLIENT = 20
COLLECTION = "/api/v1/namespaces/default/configmaps"
SELECTED = "?labelSelector=by%3Dmembers"
PATIENCE_SECONDS = 60


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Members:
    """A cluster of `count` members on this machine."""

    def __init__(self, folder, count=3, *flags):
        names = [f"n{number + 1}" for number in range(count)]
        peers = free_ports(count)
        self.initial = ",".join(f"{name}=https://127.0.0.1:{port}" for name, port in zip(names, peers))
        self.planes = []
        for name, listen in zip(names, free_ports(count)):
            (folder / name).mkdir()
            self.planes.append(ControlPlane(
                folder / name, "--name", name, "--listen", f"127.0.0.1:{listen}",
                "--initial-cluster", self.initial, "--join-token", "a-token-for-the-first-start-only",
                *flags))

    def start(self):
        """Starts all at once, as none is ready before a majority is there."""
        starting = [threading.Thread(target=plane.start) for plane in self.planes]
        for one in starting:
            one.start()
        for one in starting:
            one.join()
        assert all(hasattr(plane, "url") for plane in self.planes), "a member did not start"
        return self

    def stop(self):
        return [plane.stop() for plane in self.planes if plane.process.poll() is None]

    def leader(self):
        """The place of the member that leads, as metrics of those that live tell."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for place, plane in enumerate(self.planes):
                if plane.process.poll() is None and is_leader(plane):
                    return place
        raise AssertionError("nobody leads")


def is_leader(plane):
    try:
        connection = connect(plane, 5)
        connection.request("GET", "/metrics", headers={"Authorization": "Bearer admin-token"})
        text = connection.getresponse().read().decode()
        connection.close()
        return "etcd_server_is_leader 1\n" in text
    except (OSError, http.client.HTTPException):
        return False


def connect(plane, seconds=15):
    context = ssl.create_default_context(cafile=plane.data / "pki/ca.crt")
    host, port = plane.url.removeprefix("https://").split(":")
    return http.client.HTTPSConnection(host, int(port), context=context, timeout=seconds)


def ask(connection, method, path, body=None):
    headers = {"Authorization": "Bearer admin-token", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


class Unknown(Exception):
    """Nobody answered, or whoever did does not know what became of it."""


class Client(threading.Thread):
    """Writes to names of its own, one after the other, at whichever member answers."""

    def __init__(self, members, index, seed):
        super().__init__(daemon=True)
        self.members, self.index, self.random = members, index, random.Random(seed)
        self.known, self.number, self.writes, self.unknown = {}, 0, 0, 0
        self.outage, self.error, self.connection = 0.0, None, None
        self.ends = threading.Event()
        self.last = time.monotonic()

    def run(self):
        try:
            while not self.ends.is_set():
                self.write()
        except Exception as error:  # what a test must not swallow
            self.error = error

    def write(self):
        name = f"m-{self.index}-{self.random.randrange(NAMES_PER_CLIENT)}"
        self.number += 1
        number, known = self.number, self.known.get(name)
        body = {"metadata": {"name": name, "labels": {"by": "members"}}, "data": {"n": str(number)}}
        try:
            if known is None:
                status, answer = self.ask("POST", COLLECTION, body)
            else:
                body["metadata"]["resourceVersion"] = known[0]
                status, answer = self.ask("PUT", f"{COLLECTION}/{name}", body)
        except Unknown:
            self.unknown += 1
            return self.find_out(name, number, known)
        if status not in (200, 201):
            raise AssertionError(f"{name} {number} after {known}: {status} {answer}")
        self.note(name, answer)

    def note(self, name, answer):
        self.known[name] = (answer["metadata"]["resourceVersion"], answer["data"]["n"])
        self.writes += 1
        now = time.monotonic()
        self.outage, self.last = max(self.outage, now - self.last), now

    def find_out(self, name, number, known):
        """Whether a write that was not answered happened. Later it cannot happen any more."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                status, answer = self.ask("GET", f"{COLLECTION}/{name}")
            except Unknown:
                continue
            there = None if status == 404 else (
                answer["metadata"]["resourceVersion"], answer["data"]["n"])
            if there is not None and there[1] == str(number):
                return self.note(name, answer)
            if there != known:
                raise AssertionError(f"{name}: known {known}, there is {there}, tried {number}")
            # It may be on its way yet: a write of our own settles it, or conflicts with it.
            return self.settle(name, known)
        raise AssertionError(f"nobody answers a read of {name}")

    def settle(self, name, known):
        """Writes once more. Whichever write is the last one, its object is read afterwards."""
        self.number += 1
        body = {"metadata": {"name": name, "labels": {"by": "members"}},
                "data": {"n": str(self.number)}}
        try:
            if known is None:
                self.ask("POST", COLLECTION, body)
            else:
                body["metadata"]["resourceVersion"] = known[0]
                self.ask("PUT", f"{COLLECTION}/{name}", body)
        except Unknown:
            pass
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                status, answer = self.ask("GET", f"{COLLECTION}/{name}")
            except Unknown:
                continue
            if status == 200 and (known is None
                                  or answer["metadata"]["resourceVersion"] != known[0]):
                return self.note(name, answer)
            return self.settle(name, known)
        raise AssertionError(f"nobody answers a read of {name}")

    def ask(self, method, path, body=None):
        """The answer of the member at hand, or of none: then another one is at hand next."""
        try:
            if self.connection is None:
                self.connection = connect(self.random.choice(self.members.planes))
            status, answer = ask(self.connection, method, path, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connection = None
            raise Unknown from error
        if status in (503, 504):
            self.connection = None
            raise Unknown
        return status, answer


def listed(plane):
    """What a member lists, as the clients know it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, answer = ask(connect(plane), "GET", COLLECTION + SELECTED)
        if status == 200:
            return {item["metadata"]["name"]: (item["metadata"]["resourceVersion"], item["data"]["n"])
                    for item in answer["items"]}
        assert status in (503, 504) and time.monotonic() < deadline, answer


def run(folder, rounds, seed, say=lambda line: None):
    """Kills and restarts; returns figures, of which `lost` is to be empty."""
    chance = random.Random(seed)
    members = Members(folder).start()
    clients = [Client(members, index, chance.random()) for index in range(CLIENTS)]
    outages, lost, writes, unknown = [], [], 0, 0
    for number in range(1, rounds + 1):
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.1, 0.5))
        place = members.leader() if chance.random() < 0.7 else chance.randrange(3)
        members.planes[place].kill()
        time.sleep(chance.uniform(1.0, 2.0))
        members.planes[place].start()
        time.sleep(chance.uniform(0.0, 0.3))
        for client in clients:
            client.ends.set()
        for client in clients:
            client.join()
            if client.error:
                raise client.error
        known = {name: state for client in clients for name, state in client.known.items()}
        for plane in members.planes:
            there = listed(plane)
            if there != known:
                differing = {name for name in {*there, *known} if there.get(name) != known.get(name)}
                lost.append(f"round {number}: {plane.folder.name} lists "
                            + ", ".join(f"{n} {there.get(n)} for {known.get(n)}" for n in differing))
        outages.append(max(client.outage for client in clients))
        writes += sum(client.writes for client in clients)
        unknown += sum(client.unknown for client in clients)
        if lost:
            break
        clients = [successor(client, members, chance) for client in clients]
        if number % 10 == 0:
            say(f"{number} rounds, {writes} writes acknowledged, longest wait of each round: "
                f"{median(outages):.2f} s at the median, {max(outages):.2f} s at most")
    assert all(status == 0 for status in members.stop())
    return {"rounds": len(outages), "writes": writes, "unknown": unknown, "lost": lost,
            "outage_median_s": median(outages), "outage_max_s": max(outages)}


def successor(client, members, chance):
    new = Client(members, client.index, chance.random())
    new.known, new.number = client.known, client.number
    return new


def median(values):
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    with tempfile.TemporaryDirectory() as folder:
        print(f"seed {seed}", flush=True)
        figures = run(pathlib.Path(folder), int(sys.argv[1]), seed,
                      say=lambda line: print(line, file=sys.stderr, flush=True))
    print("{rounds} rounds, {writes} writes acknowledged, {lost_count} lost, {unknown} unanswered; "
          "longest wait for a write in a round: {outage_median_s:.2f} s at the median, "
          "{outage_max_s:.2f} s at most".format(lost_count=len(figures["lost"]), **figures))
    for line in figures["lost"]:
        print("  " + line)
    sys.exit(1 if figures["lost"] else 0)
