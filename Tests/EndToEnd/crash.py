"""Kills a control plane while clients write to it over HTTPS, and looks for what it had acknowledged.

Needs Python's own library only; tools/crash-rounds runs it.

usage: python3 crash.py ROUNDS [SEED]

A round starts the server on the same data, lets four clients create, replace, patch and delete
ConfigMaps, sends SIGKILL at a moment that the seed chooses, starts it again and compares: every
object is as its last acknowledged write left it, resourceVersion included, or as the one write
that was under way would have; and a watch from before the round tells every acknowledged write.
"""
import dataclasses
import http.client
import json
import pathlib
import random
import ssl
import sys
import tempfile
import threading
import time

from plane import ControlPlane

CLIENTS = 4
NAMES_PER_CLIENT = 40
TEXT_BYTES_MAX = 20_000
COLLECTION = "/api/v1/namespaces/default/configmaps"
SELECTED = "?labelSelector=by%3Dcrash"


@dataclasses.dataclass(frozen=True)
class State:
    """An object as one write left it."""
    version: int
    number: int


@dataclasses.dataclass
class Figures:
    rounds: int = 0
    writes: int = 0
    starts_killed: int = 0
    under_way: int = 0
    under_way_done: int = 0
    ready_seconds: list = dataclasses.field(default_factory=list)
    lost: list = dataclasses.field(default_factory=list)

    def __str__(self):
        ready = sorted(self.ready_seconds)
        return (f"{self.rounds} rounds, {self.writes} writes acknowledged, {len(self.lost)} lost; "
                f"{self.under_way} under way at a kill, of which {self.under_way_done} are there; "
                f"{len(ready)} starts, ready after {ready[len(ready) // 2]:.3f} s at the median and "
                f"{ready[-1]:.3f} s at most; {self.starts_killed} more killed while starting"
                + "".join(f"\n  {line}" for line in self.lost[:20]))


class Client(threading.Thread):
    """Writes to names of its own until the connection breaks, and remembers every answer."""

    def __init__(self, plane, index, seed):
        super().__init__()
        self.plane, self.index = plane, index
        self.random = random.Random(seed)
        self.number = 0
        self.known = {}
        """State by name; None where the object was deleted."""
        self.under_way = None
        """Name and number (None: a deletion) of the write that was not answered."""
        self.told = []
        """(version, name) of this round's acknowledged writes that left an object."""
        self.writes = 0
        self.error = None

    def again(self):
        """A client with the same memory, for the next round."""
        next_one = Client(self.plane, self.index, self.random.random())
        next_one.number, next_one.known = self.number, self.known
        return next_one

    def run(self):
        try:
            connection = connect(self.plane)
            while True:
                self.write(connection)
        except (OSError, http.client.HTTPException):
            pass  # the server is dead
        except Exception as error:  # what a test must not swallow
            self.error = error

    def write(self, connection):
        name = f"crash-{self.index}-{self.random.randrange(NAMES_PER_CLIENT)}"
        state = self.known.get(name)
        self.number += 1
        method, path, body, kind = "POST", COLLECTION, self.object(name), "application/json"
        if state is not None:
            path = f"{COLLECTION}/{name}"
            method = self.random.choice(["PUT", "PUT", "PATCH", "DELETE"])
            if method == "PUT":
                body["metadata"]["resourceVersion"] = str(state.version)
            elif method == "PATCH":
                kind = "application/merge-patch+json"
            else:
                body = None
        number = None if method == "DELETE" else self.number
        self.under_way = (name, number)
        status, answer = ask(connection, method, path, body, kind)
        if status not in (200, 201):
            raise AssertionError(f"{method} {path}: {status} {answer}")
        self.under_way = None
        self.writes += 1
        if number is None:
            self.known[name] = None
        else:
            version = int(answer["metadata"]["resourceVersion"])
            self.known[name] = State(version, number)
            self.told.append((version, name))

    def object(self, name):
        return {"metadata": {"name": name, "labels": {"by": "crash"}},
                "data": {"number": str(self.number), "text": text(name, self.number)}}


def text(name, number):
    """What object `name` holds after write `number`: of every length, and telling if it is cut."""
    line = f"{name} {number} "
    length = number * 7919 % TEXT_BYTES_MAX
    return (line * (length // len(line) + 1))[:length]


def connect(plane, seconds=60):
    context = ssl.create_default_context(cafile=plane.data / "pki/ca.crt")
    host, port = plane.url.removeprefix("https://").split(":")
    return http.client.HTTPSConnection(host, int(port), context=context, timeout=seconds)


def ask(connection, method, path, body=None, kind="application/json"):
    headers = {"Authorization": "Bearer admin-token", "Content-Type": kind}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def check(plane, clients, before, figures):
    """Compares what is there with what the clients know, and takes over what was under way."""
    connection = connect(plane)
    status, answer = ask(connection, "GET", COLLECTION + SELECTED)
    assert status == 200, answer
    there = {item["metadata"]["name"]: item for item in answer["items"]}
    lost = lambda line: figures.lost.append(f"round {figures.rounds}: {line}")
    for client in clients:
        name, number = client.under_way or (None, None)
        figures.under_way += client.under_way is not None
        if name is not None and happened(there.get(name), client.known.get(name), number):
            figures.under_way_done += 1
            client.known[name] = state(there.get(name))
        for name, known in client.known.items():
            item = there.pop(name, None)
            if state(item) != known:
                lost(f"{name}: acknowledged {known}, there is {state(item)}")
            elif item and item["data"]["text"] != text(name, known.number):
                lost(f"{name}: {known} is not whole")
    for name in there:
        lost(f"{name} is there, and should not be")
    told = sorted(entry for client in clients for entry in client.told)
    versions = [version for version, _ in told]
    if len(set(versions)) != len(versions):
        lost("two writes have one resourceVersion")
    if told and int(answer["metadata"]["resourceVersion"]) < versions[-1]:
        lost(f"the list is of {answer['metadata']['resourceVersion']}, before {versions[-1]}")
    check_watch(plane, before, told, lost)
    return int(answer["metadata"]["resourceVersion"])


def state(item):
    if item is None:
        return None
    return State(int(item["metadata"]["resourceVersion"]), int(item["data"]["number"]))


def happened(item, known, number):
    """Whether the write that was under way is there."""
    if number is None:
        return item is None
    return item is not None and state(item).number == number and state(item) != known


def check_watch(plane, before, told, lost):
    """A watch from `before` tells every acknowledged write, in order."""
    if not told:
        return
    connection = connect(plane)
    connection.request("GET", f"{COLLECTION}{SELECTED}&watch=true&resourceVersion={before}",
                       headers={"Authorization": "Bearer admin-token"})
    answer = connection.getresponse()
    seen, last = set(), before
    while last < told[-1][0]:
        line = answer.readline()
        event = json.loads(line) if line else {"type": "END"}
        if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
            return lost(f"a watch from {before} ended at {last} with {event}")
        version = int(event["object"]["metadata"]["resourceVersion"])
        if version <= last:
            lost(f"a watch from {before} told {version} after {last}")
        last = version
        seen.add((version, event["object"]["metadata"]["name"]))
    for entry in told:
        if entry not in seen:
            lost(f"a watch from {before} did not tell {entry}")


def run(folder, rounds, seed, say=lambda line: None):
    """Figures of `rounds` rounds; they are the same acts for the same seed, but not the same times."""
    chance = random.Random(seed)
    figures = Figures()
    plane = ControlPlane(folder, "--simulated-nodes", "3").start()
    figures.ready_seconds.append(plane.ready_seconds)
    before = int(ask(connect(plane), "GET", COLLECTION + SELECTED)[1]["metadata"]["resourceVersion"])
    clients = [Client(plane, index, chance.random()) for index in range(CLIENTS)]
    for figures.rounds in range(1, rounds + 1):
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.02, 0.8))
        plane.kill()
        for client in clients:
            client.join()
            if client.error:
                raise client.error
        if chance.random() < 0.2:
            plane.start_and_kill(after_seconds=chance.uniform(0, 0.1))
            figures.starts_killed += 1
        plane.start()
        figures.ready_seconds.append(plane.ready_seconds)
        figures.writes += sum(client.writes for client in clients)
        before = check(plane, clients, before, figures)
        if figures.lost:
            break
        clients = [client.again() for client in clients]
        if figures.rounds % 10 == 0:
            say(str(figures))
    assert plane.stop() == 0
    return figures


if __name__ == "__main__":
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    with tempfile.TemporaryDirectory() as folder:
        print(f"seed {seed}", flush=True)
        figures = run(pathlib.Path(folder), int(sys.argv[1]), seed,
                      say=lambda line: print(line, file=sys.stderr, flush=True))
    print(figures)
    sys.exit(1 if figures.lost else 0)
