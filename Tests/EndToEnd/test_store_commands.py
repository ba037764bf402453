"""The operator's commands of the store, on real processes: backups, restores, lost members."""
import base64
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import threading
import time

import pytest

from members import COLLECTION, Client, Members, ask, connect, free_ports, listed
from plane import BIN, ControlPlane


def martlet(*words, stdin=""):
    return subprocess.run([BIN / "martlet", "store", *map(str, words)], input=stdin,
                          capture_output=True, text=True, timeout=120)


def succeed(*words, stdin=""):
    """What it prints."""
    done = martlet(*words, stdin=stdin)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def fail(*words, stdin=""):
    """What it says when it refuses."""
    done = martlet(*words, stdin=stdin)
    assert done.returncode == 1, f"{words}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stderr


def verified(path):
    return json.loads(succeed("verify", path, "--json"))


def put(plane, name, text):
    status, answer = ask(connect(plane), "POST", COLLECTION,
                         {"metadata": {"name": name}, "data": {"text": text}})
    assert status == 201, answer
    return answer["metadata"]["resourceVersion"]


def configmaps(plane):
    """Names, versions and contents of all."""
    status, answer = ask(connect(plane), "GET", COLLECTION)
    assert status == 200, answer
    return {item["metadata"]["name"]: (item["metadata"]["resourceVersion"], item.get("data"))
            for item in answer["items"] if item["metadata"]["name"] != "kube-root-ca.crt"}


def watch_status(plane, version):
    """What a watch from a version of old is told: its status, or that of its first event."""
    connection = connect(plane)
    connection.request("GET", f"{COLLECTION}?watch=true&resourceVersion={version}&timeoutSeconds=2",
                       headers={"Authorization": "Bearer admin-token"})
    answer = connection.getresponse()
    if answer.status != 200:
        return answer.status
    line = answer.readline()
    event = json.loads(line) if line else {"type": "none"}
    return event["object"]["code"] if event["type"] == "ERROR" else event["type"]


def member(folder, name, data, *flags):
    """A member that keeps its data in a folder that is there."""
    (folder / name).mkdir()
    plane = ControlPlane(folder / name, *flags)
    plane.data = data
    return plane


class Writers:
    """Clients that write until they are told to stop."""

    def __init__(self, members, count=3):
        self.clients = [Client(members, index, index) for index in range(count)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.ends.set()
        for client in self.clients:
            client.join()
            if client.error:
                raise client.error

    def written(self):
        return sum(client.writes for client in self.clients)

    def wait_for(self, count):
        goal, deadline = self.written() + count, time.monotonic() + 60
        while self.written() < goal:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory):
    """A cluster of one, a backup of it, and what it had then; it is stopped."""
    folder = tmp_path_factory.mktemp("backed-up")
    plane = ControlPlane(folder).start()
    for number in range(50):
        put(plane, f"c{number}", f"text {number}")
    file = folder / "backup.snap"
    shown = succeed("snapshot", file, "--kubeconfig", plane.kubeconfig)
    assert re.search(r"revision \d+, \d+ keys, \d+ bytes", shown), shown
    contents = configmaps(plane)
    later = put(plane, "later", "after the backup")
    assert plane.stop() == 0
    return {"file": file, "contents": contents, "later": later, "data": plane.data, "folder": folder}


def test_snapshots_under_load_are_whole_and_of_one_moment(tmp_path):
    members = Members(tmp_path).start()
    with Writers(members) as writers:
        for number in range(6):
            writers.wait_for(50)
            plane = members.planes[number % 3]
            file = tmp_path / f"{number}.snap"
            before = writers.written()
            report = json.loads(succeed("snapshot", file, "--json", "--kubeconfig", plane.kubeconfig))
            assert report["confirmed"] and len(report["members"]) == 3
            assert report["committedIndex"] >= before
            assert verified(file)["revision"] == report["revision"]
            # Each client writes its numbers in order, one object at a time.
            lines = succeed("dump", file, "--prefix", "/registry/", "--values", "--json").splitlines()
            rows = [json.loads(line) for line in lines]
            assert [row["key"] for row in rows] == sorted(row["key"] for row in rows)
            assert max(row["modRevision"] for row in rows) <= report["revision"]
    known = {name: state for client in writers.clients for name, state in client.known.items()}
    last = tmp_path / "last.snap"
    succeed("snapshot", last, "--kubeconfig", members.planes[1].kubeconfig)
    rows = [json.loads(line) for line in succeed(
        "dump", last, "--prefix", "/registry/default/core/configmaps/default/m-", "--values",
        "--json").splitlines()]
    there = {row["object"]["metadata"]["name"]: (str(row["modRevision"]), row["object"]["data"]["n"])
             for row in rows}
    assert there == known
    assert all(status == 0 for status in members.stop())
    # Nothing but what was asked for is left.
    assert not list(tmp_path.glob("*.new"))


def test_restore_into_one_member(backed_up, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    shutil.copytree(backed_up["data"] / "pki", data / "pki")
    said = succeed("restore", backed_up["file"], "--data-dir", data)
    assert "martlet serve" in said
    (tmp_path / "one").mkdir()
    plane = ControlPlane(tmp_path / "one")
    plane.data = data
    plane.start()
    assert configmaps(plane) == backed_up["contents"]
    # Versions that clients have seen, after the backup too, are too old: they list again.
    oldest = min(int(version) for version, _ in backed_up["contents"].values())
    for version in (oldest, int(backed_up["later"]), int(backed_up["later"]) + 1000):
        assert watch_status(plane, version) == 410
    version = put(plane, "new", "after the restore")
    assert int(version) > int(backed_up["later"]) + 1_000_000
    assert watch_status(plane, int(version) - 1) == "ADDED"
    # What was there can be changed as before.
    name, (old, _) = next(iter(backed_up["contents"].items()))
    status, answer = ask(connect(plane), "PUT", f"{COLLECTION}/{name}", {
        "metadata": {"name": name, "resourceVersion": old}, "data": {"text": "changed"}})
    assert status == 200, answer
    assert plane.stop() == 0
    # Once more in the same place is refused, and nothing is lost by it.
    assert "there is a store in it already" in fail("restore", backed_up["file"], "--data-dir", data)
    assert verified(data)["keys"] > 50


def test_restore_into_three_members(backed_up, tmp_path):
    members = Members(tmp_path)
    for plane in members.planes:
        name = plane.flags[plane.flags.index("--name") + 1]
        said = succeed("restore", backed_up["file"], "--data-dir", plane.data, "--name", name,
                       "--initial-cluster", members.initial)
        assert f"--name {name}" in said
    members.start()
    for plane in members.planes:
        assert configmaps(plane) == backed_up["contents"]
        assert watch_status(plane, backed_up["later"]) == 410
    version = put(members.planes[2], "new", "x")
    for plane in members.planes:
        assert configmaps(plane)["new"][0] == version
    # It is a cluster like any other: one may be killed.
    members.planes[members.leader()].kill()
    alive = [plane for plane in members.planes if plane.process.poll() is None]
    deadline = time.monotonic() + 30
    while True:
        status, answer = ask(connect(alive[0]), "POST", COLLECTION, {"metadata": {"name": "newer"}})
        if status == 201:
            break
        assert status in (503, 504) and time.monotonic() < deadline, answer
    assert all(status == 0 for status in members.stop())


def test_restore_refuses_names_that_are_not_among_the_members(backed_up, tmp_path):
    done = martlet("restore", backed_up["file"], "--data-dir", tmp_path / "d", "--name", "n9",
                   "--initial-cluster", "n1=https://127.0.0.1:1")
    assert done.returncode == 64 and "n9 is none of --initial-cluster" in done.stderr


def test_damaged_snapshots_are_refused_with_their_offset(backed_up, tmp_path):
    whole = backed_up["file"].read_bytes()
    report = verified(backed_up["file"])
    assert report["whole"] and report["keys"] > 50
    broken = tmp_path / "broken.snap"
    places = [200, len(whole) // 3, len(whole) // 2, len(whole) - 40]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 4
        broken.write_bytes(damaged)
        text = fail("verify", broken)
        offset = int(re.search(r"broken.snap, offset (\d+): ", text)[1])
        assert abs(offset - place) < 20_000 or "checksum over the file" in text, text
        assert fail("restore", broken, "--data-dir", tmp_path / "data").startswith(f"{broken}, offset")
        assert not (tmp_path / "data/log").exists()
        found = martlet("verify", broken, "--json")
        assert found.returncode == 1 and json.loads(found.stdout)["offset"] == offset
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        broken.write_bytes(whole[:length])
        text = fail("verify", broken)
        assert "no snapshot" in text or f"offset {length}: the snapshot breaks off" in text, text
        fail("restore", broken, "--data-dir", tmp_path / "data")
    assert "this is no snapshot" in fail("verify", pathlib.Path(__file__))
    assert "No such file" in fail("verify", tmp_path / "nothing")


def test_a_directory_is_verified_when_it_is_not_in_use(tmp_path):
    plane = ControlPlane(tmp_path).start()
    for number in range(20):
        put(plane, f"c{number}", "x" * 1000)
    assert "a running member has this directory open" in fail("verify", plane.data)
    assert "a running member has this directory open" in fail("dump", plane.data)
    assert plane.stop() == 0
    report = verified(plane.data)
    assert report["whole"] and report["keys"] > 20
    assert report["committedIndex"] == report["lastIndex"]
    log = plane.data / "log/0000000001.log"
    damaged = bytearray(log.read_bytes())
    damaged[5000] ^= 1
    log.write_bytes(damaged)
    text = fail("verify", plane.data)
    assert re.search(r"0000000001.log, offset \d+: the log is damaged: a record", text), text


def test_dump_shows_keys_values_and_records(backed_up):
    file = backed_up["file"]
    prefix = "/registry/default/core/configmaps/default/c"
    rows = succeed("dump", file, "--prefix", prefix).splitlines()
    assert rows[0].split() == ["KEY", "VERSION", "MOD", "REVISION", "BYTES"]
    assert len(rows) == 51
    keys = succeed("dump", file, "--prefix", prefix, "--keys").splitlines()
    assert keys == sorted(f"{prefix}{number}" for number in range(50))
    shown = json.loads(succeed("dump", file, "--prefix", f"{prefix}7", "--values").splitlines()[2])
    assert shown["kind"] == "ConfigMap" and shown["data"] == {"text": "text 7"}
    row = json.loads(succeed("dump", file, "--prefix", f"{prefix}7", "--values", "--json"))
    assert row["object"]["data"] == {"text": "text 7"}
    assert b"text 7" in base64.b64decode(row["value"])
    # As of a revision before the newest of these.
    before = min(int(version) for version, _ in backed_up["contents"].values())
    assert len(succeed("dump", file, "--prefix", prefix, "--keys", "--revision", before).splitlines()) == 1
    assert "not 999999999" in fail("dump", file, "--revision", 999999999)
    records = [json.loads(line) for line in succeed("dump", file, "--log", "--json").splitlines()]
    assert len(records) == verified(file)["records"]
    transactions = [record for record in records if record["kind"] == "transaction"]
    revisions = [record["revision"] for record in transactions]
    assert revisions == sorted(revisions) and all(r["committed"] == "yes" for r in transactions)
    assert records[0]["kind"] == "opening"
    table = succeed("dump", file, "--log").splitlines()
    assert table[0].split()[:3] == ["INDEX", "TERM", "KIND"] and len(table) == len(records) + 1


def test_one_of_three_goes_on_when_two_are_gone_for_good(tmp_path):
    members = Members(tmp_path).start()
    with Writers(members) as writers:
        writers.wait_for(200)
    for plane in members.planes:
        put(plane, f"by-{plane.folder.name}", "x")
    contents = configmaps(members.planes[1])
    survivor, others = members.planes[0], members.planes[1:]
    assert "a running member has this directory open" in fail("recover", "--data-dir", survivor.data)
    for plane in members.planes:
        plane.kill()
    for plane in others:
        shutil.rmtree(plane.data)
    before = verified(survivor.data)
    said = martlet("recover", "--data-dir", survivor.data, stdin="no\n")
    assert said.returncode == 1 and "Nothing was changed" in said.stderr
    assert f"entries up to {before['committedIndex']} are committed" in said.stdout
    assert verified(survivor.data) == before
    said = succeed("recover", "--data-dir", survivor.data, stdin="yes\n")
    assert "n1 is the only member of cluster" in said
    assert "nothing to do" in succeed("recover", "--data-dir", survivor.data, "--yes")
    after = verified(survivor.data)
    assert after["cluster"] != before["cluster"] and len(after["members"]) == 1
    # The words that it was started with before do no harm, and others can join.
    survivor.start()
    # Versions that only the lost members may have shown are not used again.
    newest = max(int(version) for version, _ in contents.values())
    assert watch_status(survivor, newest) == watch_status(survivor, newest + 1000) == 410
    there = configmaps(survivor)
    assert there.keys() <= contents.keys() and there == {name: contents[name] for name in there}
    assert there.keys() >= {f"by-{name}" for name in ("n1",)}
    put(survivor, "alone", "x")
    text = succeed("member", "add", "n2", "--kubeconfig", survivor.kubeconfig)
    join, token = re.search(r"--join (\S+)", text)[1], re.search(r"--join-token (\S+)", text)[1]
    second = others[0]
    second.flags = ("--name", "n2", "--join", join, "--join-token", token,
                    "--peer-listen", f"127.0.0.1:{free_ports(1)[0]}")
    second.start()
    assert configmaps(second)["alone"][1] == {"text": "x"}
    version = put(second, "both", "x")
    assert configmaps(survivor)["both"][0] == version
    # It has joined for good: its words are the same at the next start.
    assert second.stop() == 0
    second.start()
    assert configmaps(second)["both"][0] == version
    assert second.stop() == 0
    survivor.kill()


def test_members_of_the_old_cluster_are_not_listened_to(tmp_path):
    members = Members(tmp_path).start()
    put(members.planes[0], "old", "x")
    for plane in members.planes:
        plane.kill()
    survivor = members.planes[0]
    succeed("recover", "--data-dir", survivor.data, "--yes")
    survivor.start()
    put(survivor, "new", "x")
    # The others come back after all: they go on as the old cluster, and each keeps to itself.
    members.planes = members.planes[1:]
    members.start()
    members.planes.insert(0, survivor)
    put(members.planes[1], "of-the-old", "x")
    assert "new" not in configmaps(members.planes[1])
    assert "of-the-old" not in configmaps(survivor)
    assert all(status == 0 for status in members.stop())


def scribble(path, place, count=8):
    """Damage that no checksum can put right."""
    damaged = bytearray(path.read_bytes())
    for offset in range(place, place + count):
        damaged[offset] ^= 0x5A
    path.write_bytes(damaged)


def test_what_can_be_read_of_a_damaged_log_goes_on(tmp_path):
    plane = ControlPlane(tmp_path).start()
    for number in range(20):
        put(plane, f"c{number}", f"text {number}")
    status, answer = ask(connect(plane), "PUT", f"{COLLECTION}/c7", {
        "metadata": {"name": "c7"}, "data": {"text": "the newest state"}})
    assert status == 200, answer
    status, answer = ask(connect(plane), "DELETE", f"{COLLECTION}/c3")
    assert status == 200, answer
    last = put(plane, "last", "x")
    before = configmaps(plane)
    assert plane.stop() == 0
    assert "whole, and starts" in succeed("salvage", "--data-dir", plane.data)
    log = plane.data / "log/0000000001.log"
    whole = log.read_bytes()

    # A flipped bit: the start names the place, and the command, which loses nothing.
    flipped = bytearray(whole)
    flipped[whole.index(b"the newest state") + 4] ^= 1
    log.write_bytes(flipped)
    plane.launch()
    assert plane.process.wait(timeout=30) == 65
    said = (plane.folder / "stderr.txt").read_text()
    command = re.search(r"martlet (store salvage --data-dir \S+)", said)[1]
    assert re.search(r"0000000001.log, offset \d+: a record does not agree", said), said
    report = json.loads(succeed(*command.split()[1:], "--json"))
    assert report["losesNothing"] and not report["done"] and not report["whole"]
    assert [place["repaired"] for place in report["places"]] == [True]
    assert log.read_bytes() == flipped

    # More than a bit: the state before is left, and that is said first.
    damaged = bytearray(whole)
    log.write_bytes(damaged)
    scribble(log, whole.index(b"the newest state"))
    asked = martlet(*command.split()[1:], stdin="no\n")
    assert asked.returncode == 1 and "Nothing was changed" in asked.stderr
    row = re.search(r"(\S+/c7) +(\d+) +(\d+) +1\n", asked.stdout)
    assert row and row[2] == before["c7"][0] and int(row[3]) < int(row[2]), asked.stdout
    plane.launch()
    assert plane.process.wait(timeout=30) == 65
    damaged = log.read_bytes()
    said = succeed(*command.split()[1:], stdin="yes\n")
    assert "Start it with: martlet serve" in said
    assert (plane.data / "log/before-salvage-1/0000000001.log").read_bytes() == damaged
    plane.start()
    there = configmaps(plane)
    assert there.pop("c7") == (row[3], {"text": "text 7"})
    assert before.pop("c7") and there == before and "c3" not in there
    assert watch_status(plane, last) == watch_status(plane, int(last) + 1000) == 410
    assert int(put(plane, "new", "x")) > int(last) + 1_000_000_000
    assert plane.stop() == 0
    assert "a record does not agree" in fail("verify", plane.data / "log/before-salvage-1")
    assert "whole, and starts" in succeed("salvage", "--data-dir", plane.data)

    # Another time, without being asked: only damage in what is out of date, which costs nothing.
    plane.start()
    for text in ("out of date", "up to date"):
        status, answer = ask(connect(plane), "PUT", f"{COLLECTION}/c1", {
            "metadata": {"name": "c1"}, "data": {"text": text}})
        assert status == 200, answer
    before = configmaps(plane)
    assert plane.stop() == 0
    log = next(path for path in sorted((plane.data / "log").glob("0*.log"))
               if b"out of date" in path.read_bytes())
    scribble(log, log.read_bytes().index(b"out of date"))
    report = json.loads(succeed("salvage", "--data-dir", plane.data, "--yes", "--json"))
    assert report["done"] and report["losesNothing"] and report["aside"].endswith("before-salvage-2")
    plane.start()
    assert configmaps(plane) == before
    assert plane.stop() == 0


def test_without_a_majority_a_snapshot_says_so(tmp_path):
    members = Members(tmp_path).start()
    put(members.planes[0], "before", "x")
    for plane in members.planes[1:]:
        plane.kill()
    file = tmp_path / "alone.snap"
    done = martlet("snapshot", file, "--kubeconfig", members.planes[0].kubeconfig)
    assert done.returncode == 0, done.stderr
    assert "No majority of the members answers" in done.stderr
    assert verified(file)["keys"] > 0
    members.planes[0].kill()


def test_a_snapshot_needs_somebody_who_may_and_a_place(tmp_path):
    plane = ControlPlane(tmp_path).start()
    status, body = plane.curl("/martlet/store/snapshot", token="nobody-token")
    assert status == 403, body
    text = fail("snapshot", tmp_path / "no/such/folder/x.snap", "--kubeconfig", plane.kubeconfig)
    assert "No such file or directory" in text
    plane.kill()
    text = fail("snapshot", tmp_path / "x.snap", "--kubeconfig", plane.kubeconfig)
    assert "gave no answer" in text and not (tmp_path / "x.snap").exists()


def resident_kilobytes(plane, kind="VmRSS"):
    status = pathlib.Path(f"/proc/{plane.process.pid}/status").read_text()
    return int(re.search(rf"{kind}:\s+(\d+) kB", status)[1])


def test_a_slow_reader_of_a_large_store_costs_the_server_little_memory(tmp_path):
    plane = ControlPlane(tmp_path).start()
    value = "v" * 100_000
    threads = [threading.Thread(target=lambda first=first: [
        put(plane, f"large-{first}-{number}", value) for number in range(100)]) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = resident_kilobytes(plane)
    connection = connect(plane, 60)
    connection.request("GET", "/martlet/store/snapshot", headers={"Authorization": "Bearer admin-token"})
    answer = connection.getresponse()
    total = int(answer.getheader("martlet-snapshot-bytes"))
    assert total > 30 << 20
    read, most = 0, before
    while chunk := answer.read(256 * 1024):
        read += len(chunk)
        most = max(most, resident_kilobytes(plane))
        if read < 4 << 20:
            time.sleep(0.02)
    assert read == total
    assert most - before < 16 * 1024, f"{before} kB before, {most} kB at most"
    assert plane.stop() == 0
