"""What happens to a cluster when somebody sets the clocks of its machines."""
import datetime
import json
import subprocess

import pytest

from members import COLLECTION, Members, ask, connect, is_leader
from plane import BIN, ROOT
from test_hard_conditions import create, until

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
# Certificates are good from the first start on, and no time before that is any good.
CLUSTER_AGE_SECONDS = 60 * DAY_SECONDS


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("clock") / "jumping_clock.so"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", path,
                    ROOT / "Tests/EndToEnd/jumping_clock.c"], check=True)
    return path


class Clocks:
    """Three members, each with a time of day of its own."""

    def __init__(self, folder, library, *flags):
        self.members = Members(folder, 3, *flags)
        for plane in self.members.planes:
            plane.environment = {
                "LD_PRELOAD": str(library), "JUMPING_CLOCK": str(plane.folder / "seconds")}
            self.set(plane, -CLUSTER_AGE_SECONDS)

    @staticmethod
    def set(plane, seconds):
        (plane.folder / "seconds").write_text(str(seconds))


@pytest.fixture
def clocks(tmp_path, library):
    clocks = Clocks(tmp_path, library, "--simulated-nodes", "2")
    clocks.members.start()
    for plane in clocks.members.planes:
        clocks.set(plane, 0)
    yield clocks
    clocks.members.stop()


def created(plane, name):
    """What time it is for the member that creates an object."""
    status, made = create(plane, name)
    assert status == 201, made
    text = made["metadata"]["creationTimestamp"].replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(text).timestamp()


def term_of(plane):
    done = subprocess.run([BIN / "martlet", "store", "status", "--json", "--kubeconfig", plane.kubeconfig],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["term"]


def node_conditions(plane):
    status, nodes = ask(connect(plane), "GET", "/api/v1/nodes")
    assert status == 200, nodes
    return {node["metadata"]["name"]: {condition["type"]: condition["status"]
            for condition in node["status"]["conditions"]}.get("Ready") for node in nodes["items"]}


@pytest.mark.parametrize("seconds", [DAY_SECONDS, -DAY_SECONDS, 30 * DAY_SECONDS, -30 * DAY_SECONDS])
def test_a_leader_whose_clock_jumps_leads_on_and_loses_nothing(clocks, seconds):
    members = clocks.members
    place = members.leader()
    leader, others = members.planes[place], [p for p in members.planes if p is not members.planes[place]]
    until(lambda: set(node_conditions(leader).values()) == {"True"})
    before = created(leader, "before")
    term = term_of(leader)
    clocks.set(leader, seconds)
    after = created(leader, "after")
    assert abs(after - before - seconds) < HOUR_SECONDS, "the clock has jumped for it"
    # The others' time is what it was; all take writes, and read what any has written.
    assert abs(created(others[0], "other") - before) < HOUR_SECONDS
    for plane in members.planes:
        status, listed = ask(connect(plane), "GET", COLLECTION)
        assert status == 200
        assert {"before", "after", "other"} <= {item["metadata"]["name"] for item in listed["items"]}
    assert is_leader(leader)
    assert term_of(leader) == term, "nobody has stood for election"
    # Nodes are not lost for that: what counts is how long nothing was heard of them.
    status, made = ask(connect(leader), "POST", "/api/v1/namespaces/default/pods", {
        "metadata": {"name": "pod"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    assert status == 201, made
    until(lambda: ask(connect(leader), "GET", "/api/v1/namespaces/default/pods/pod")[1]["status"].get(
        "phase") == "Running")
    assert set(node_conditions(leader).values()) == {"True"}


def test_members_whose_clocks_differ_elect_a_leader_and_agree(clocks):
    members = clocks.members
    for plane, seconds in zip(members.planes, (-7 * DAY_SECONDS, 0, 7 * DAY_SECONDS)):
        clocks.set(plane, seconds)
    for number in range(3):
        place = members.leader()
        old = members.planes[place]
        assert create(old, f"n{number}")[0] == 201
        old.kill()
        until(lambda: members.leader() != place)
        new = members.planes[members.leader()]
        assert create(new, f"m{number}")[0] == 201
        old.start()
    for plane in members.planes:
        listed = ask(connect(plane), "GET", COLLECTION)[1]
        names = {item["metadata"]["name"] for item in listed["items"]}
        assert {f"{letter}{number}" for letter in "nm" for number in range(3)} <= names
