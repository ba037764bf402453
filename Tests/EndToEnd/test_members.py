"""A cluster of three members on this machine, as its clients see it."""
import http.client
import json
import os
import re
import subprocess
import time

import pytest

import members as cluster
from members import COLLECTION, Members, ask, connect, free_ports
from plane import BIN, ControlPlane


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    members = Members(tmp_path_factory.mktemp("members"), 3, "--simulated-nodes", "1").start()
    yield members
    assert all(status == 0 for status in members.stop())


def write(plane, name, text):
    return ask(connect(plane), "POST", COLLECTION, {"metadata": {"name": name}, "data": {"text": text}})


def test_every_member_takes_writes_and_shows_those_of_the_others(three):
    for number, plane in enumerate(three.planes):
        status, _ = write(plane, f"from-{number}", "x")
        assert status == 201
        for other in three.planes:
            status, answer = ask(connect(other), "GET", f"{COLLECTION}/from-{number}")
            assert status == 200, answer


def test_credentials_of_one_member_are_good_at_another(three):
    first, second = three.planes[:2]
    status, answer = ask(connect(first), "POST",
                         "/api/v1/namespaces/default/serviceaccounts/default/token", {"spec": {}})
    assert status == 201, answer
    connection = connect(second)
    connection.request("GET", "/apis/authentication.k8s.io/v1", headers={
        "Authorization": f"Bearer {answer['status']['token']}"})
    assert connection.getresponse().status == 200


def test_a_watch_goes_on_at_another_member_when_the_leader_is_killed(three):
    leader = three.leader()
    first = three.planes[leader]
    status, answer = write(first, "watched-1", "x")
    assert status == 201
    version = answer["metadata"]["resourceVersion"]
    first.kill()
    survivor = three.planes[(leader + 1) % 3]
    wait_for_write(survivor, "watched-2")
    connection = connect(survivor)
    connection.request("GET", f"{COLLECTION}?watch=true&resourceVersion={version}",
                       headers={"Authorization": "Bearer admin-token"})
    answer = connection.getresponse()
    assert answer.status == 200
    event = json.loads(answer.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "watched-2")
    first.start()
    status, answer = ask(connect(first), "GET", f"{COLLECTION}/watched-2")
    assert status == 200, answer


def wait_for_write(plane, name):
    """Writes until it succeeds: there may be an election first."""
    deadline = time.monotonic() + 30
    while True:
        status, answer = write(plane, name, "x")
        if status == 201:
            return
        assert status in (503, 504) and time.monotonic() < deadline, answer


def test_controllers_go_on_where_the_new_leader_is(three):
    leader = three.leader()
    three.planes[leader].kill()
    survivor = three.planes[(leader + 1) % 3]
    deadline = time.monotonic() + 30
    while ask(connect(survivor), "POST", "/api/v1/namespaces", {
            "metadata": {"name": "taken-over"}})[0] != 201:
        assert time.monotonic() < deadline
    # The service account of a namespace is a controller's work.
    path = "/api/v1/namespaces/taken-over/serviceaccounts/default"
    while ask(connect(survivor), "GET", path)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    three.planes[leader].start()


def test_without_a_majority_writes_are_refused_and_nothing_is_lost_afterwards(three):
    leader = three.leader()
    alone = three.planes[leader]
    others = [plane for plane in three.planes if plane is not alone]
    assert write(alone, "before", "x")[0] == 201
    for plane in others:
        plane.kill()
    for _ in range(2):  # the first may have been decided before the leader knew
        begun = time.monotonic()
        connection = connect(alone)
        connection.request("POST", COLLECTION, json.dumps({"metadata": {"name": "without"}}), {
            "Authorization": "Bearer admin-token", "Content-Type": "application/json"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status in (503, 504), body
        assert body["kind"] == "Status" and time.monotonic() - begun < 10
    assert answer.status == 503 and answer.getheader("Retry-After") == "1", body
    for plane in others:
        plane.start()
    for plane in three.planes:
        status, answer = ask(connect(plane), "GET", f"{COLLECTION}/before")
        assert status == 200, answer


def store(plane, *words):
    """What `martlet store` prints."""
    done = subprocess.run([BIN / "martlet", "store", *words, "--kubeconfig", plane.kubeconfig],
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def roles(plane):
    _, text, errors = store(plane, "status", "--json")
    assert text, errors
    return {member["name"]: "leader" if member["leader"] else "voter" if member["voter"] else "learner"
            for member in json.loads(text)["members"]}


def wait_for(plane, condition):
    deadline = time.monotonic() + 30
    while not condition(found := roles(plane)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_a_member_joins_a_running_cluster_gets_the_log_and_votes(three, tmp_path):
    leader = three.planes[three.leader()]
    other = next(plane for plane in three.planes if plane is not leader)
    status, _, errors = store(other, "member", "add", "n4")
    assert status == 1 and "leads: ask it" in errors
    status, text, errors = store(leader, "member", "add", "n4")
    assert status == 0, errors
    join = re.search(r"--join (\S+)", text)[1]
    token = re.search(r"--join-token (\S+)", text)[1]
    (tmp_path / "n4").mkdir()
    fourth = ControlPlane(tmp_path / "n4", "--name", "n4", "--join", join, "--join-token", token,
                          "--peer-listen", f"127.0.0.1:{free_ports(1)[0]}").start()
    assert ask(connect(fourth), "GET", f"{COLLECTION}/from-0")[0] == 200
    assert write(fourth, "from-n4", "x")[0] == 201
    wait_for(leader, lambda found: found.get("n4") == "voter")
    assert "n4" in store(leader, "status")[1]
    # A token works once.
    (tmp_path / "again").mkdir()
    again = subprocess.run(
        [BIN / "martlet", "serve", "--name", "n4", "--data-dir", tmp_path / "again", "--join", join,
         "--join-token", token, "--peer-listen", f"127.0.0.1:{free_ports(1)[0]}"],
        capture_output=True, text=True, timeout=60)
    assert again.returncode == 64 and again.stderr.startswith("--join-token"), again.stderr
    assert store(leader, "member", "remove", "n4")[0] == 0
    wait_for(leader, lambda found: "n4" not in found)
    fourth.kill()


def log_bytes(plane):
    connection = connect(plane)
    connection.request("GET", "/metrics", headers={"Authorization": "Bearer admin-token"})
    text = connection.getresponse().read().decode()
    return int(re.search(r"^etcd_mvcc_db_total_size_in_bytes (\d+)$", text, re.M)[1])


def test_a_member_that_was_away_for_long_gets_the_log_of_another(three):
    leader = three.planes[three.leader()]
    late = next(plane for plane in three.planes if plane is not leader)
    late.kill()
    wait_for_write(leader, "grown")
    connection = connect(leader)
    for number in range(300):
        body = {"metadata": {"name": "grown"}, "data": {"text": f"{number} " + "x" * 20_000}}
        status, answer = ask(connection, "PUT", f"{COLLECTION}/grown", body)
        assert status == 200, answer
    full = log_bytes(leader)
    deadline = time.monotonic() + 30
    while log_bytes(leader) >= full:
        assert store(leader, "compact")[0] == 0 and time.monotonic() < deadline
        assert ask(connection, "PUT", f"{COLLECTION}/grown", body)[0] == 200
    late.start()
    status, answer = ask(connect(late), "GET", f"{COLLECTION}/grown")
    assert status == 200 and answer["data"]["text"].startswith("299 ")
    said = (late.folder / "stderr.txt").read_text()
    assert "the log of another member takes this one's place" in said


def flip(plane, text):
    """Flips a bit of the newest copy of `text` in a member's log."""
    for path in sorted((plane.data / "log").glob("*.log"), reverse=True):
        place = path.read_bytes().rfind(text.encode())
        if not path.name.startswith("damaged") and place >= 0:
            with open(path, "r+b") as file:
                file.seek(place)
                byte = file.read(1)[0]
                file.seek(place)
                file.write(bytes([byte ^ 1]))
            return
    raise AssertionError(f"{text} is not in the log")


def numbers(plane):
    _, text, errors = store(plane, "status", "--json")
    assert text, errors
    return {member["name"]: member["id"] for member in json.loads(text)["members"]}


def wait_until_let_in(members, plane, number):
    """Until a member whose log was damaged votes again under another number, and has all."""
    name, other = plane.folder.name, next(one for one in members.planes if one is not plane)
    deadline = time.monotonic() + 30
    while numbers(other).get(name) == number or roles(other).get(name) == "learner":
        assert time.monotonic() < deadline, (plane.folder / "stderr.txt").read_text()[-2000:]
        time.sleep(0.05)
    while not shows_the_same(plane, other):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def shows_the_same(plane, other):
    """Nothing does while it begins anew."""
    try:
        return cluster.listed(plane) == cluster.listed(other)
    except (OSError, http.client.HTTPException):
        return False


def test_a_member_with_a_damaged_log_gets_it_from_the_others(three):
    plane = three.planes[1]
    wait_for_write(three.planes[0], "not-to-rot-1")
    wait_for_write(three.planes[0], "not-to-rot-2")
    assert ask(connect(plane), "GET", f"{COLLECTION}/not-to-rot-2")[0] == 200
    number = numbers(plane)[plane.folder.name]
    assert plane.stop() == 0
    flip(plane, "not-to-rot-1")
    plane.start()
    wait_until_let_in(three, plane, number)
    assert ask(connect(plane), "GET", f"{COLLECTION}/not-to-rot-1")[0] == 200
    assert "the log is damaged: " in (plane.folder / "stderr.txt").read_text()


@pytest.mark.parametrize("leads", [True, False])
def test_a_member_whose_log_rots_while_it_runs_is_let_in_anew(three, leads):
    leader = three.leader()
    plane = three.planes[leader if leads else (leader + 1) % 3]
    other = three.planes[(leader + 2) % 3]
    name = f"rotten-{leads}".lower()
    wait_for_write(other, name)
    assert ask(connect(plane), "GET", f"{COLLECTION}/{name}")[0] == 200
    number = numbers(other)[plane.folder.name]
    flip(plane, name)
    assert ask(connect(plane), "GET", f"{COLLECTION}/{name}")[0] >= 500
    wait_until_let_in(three, plane, number)
    status, answer = ask(connect(plane), "GET", f"{COLLECTION}/{name}")
    assert status == 200 and answer["data"] == {"text": "x"}, answer


def test_leadership_goes_where_the_operator_wants_it(three):
    leader = three.leader()
    target = three.planes[(leader + 1) % 3]
    name = target.folder.name
    status, _, errors = store(three.planes[leader], "transfer", name)
    assert status == 0, errors
    wait_for(target, lambda found: found.get(name) == "leader")


def test_who_may_not_look_at_the_store_is_told_so(three):
    connection = connect(three.planes[0])
    connection.request("GET", "/martlet/store/status", headers={"Authorization": "Bearer nobody-token"})
    answer = connection.getresponse()
    assert answer.status == 403, answer.read()


def test_members_are_killed_in_turn_while_clients_write(tmp_path):
    figures = cluster.run(tmp_path, int(os.environ.get("MARTLET_MEMBER_ROUNDS", "3")), seed=1)
    assert figures["lost"] == [] and figures["writes"] > 0


def test_a_member_that_waits_for_a_majority_ends_when_it_is_told_to(tmp_path):
    alone = Members(tmp_path, 3).planes[0]
    alone.launch()
    deadline = time.monotonic() + cluster.PATIENCE_SECONDS
    while not (alone.data / "log/member").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert alone.stop() == 0
    assert "stopped before it was ready" in (alone.folder / "stderr.txt").read_text()
