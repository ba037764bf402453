"""What happens to a control plane when what it stands on does not do its part: disks that are full or
fail, members of other clusters, requests that are too large.
"""
import contextlib
import http.client
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import threading
import time

import pytest

from members import COLLECTION, Members, ask, connect, free_ports, is_leader
from plane import BIN, ROOT, ControlPlane

PATIENCE_SECONDS = 60


def until(check, seconds=PATIENCE_SECONDS):
    """Asks `check` until it returns something true."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def config_map(name, text="x"):
    return {"metadata": {"name": name}, "data": {"text": text}}


def create(plane, name, text="x"):
    return ask(connect(plane), "POST", COLLECTION, config_map(name, text))


def said(plane):
    return (plane.folder / "stderr.txt").read_text()


def metric(plane, name):
    connection = connect(plane)
    connection.request("GET", "/metrics", headers={"Authorization": "Bearer admin-token"})
    text = connection.getresponse().read().decode()
    return int(re.search(rf"^{name} (\d+)$", text, re.M)[1])


# MARK: Full disks

@contextlib.contextmanager
def small_disk(folder, megabytes):
    """A file system of so many megabytes at `folder`, which only root can make."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
                          capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder, leaving=0):
    """Takes all the space but so many bytes, as somebody else's files do."""
    free = os.statvfs(folder)
    count = free.f_bavail * free.f_frsize - leaving
    with open(folder / "ballast", "wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, count)
    return folder / "ballast"


def create_until_refused(plane, prefix, text="x" * 50_000):
    connection = connect(plane)
    for number in range(2000):
        status, answer = ask(connection, "POST", COLLECTION, config_map(f"{prefix}-{number}", text))
        if status != 201:
            return number, status, answer
    raise AssertionError("the disk is not full yet")


def test_a_full_disk_refuses_writes_while_reads_and_deletes_go_on(tmp_path):
    with small_disk(tmp_path / "data", 48) as data:
        plane = ControlPlane(tmp_path).start()
        assert create(plane, "early")[0] == 201
        ballast = fill(data)
        count, status, answer = create_until_refused(plane, "filled")
        assert (status, answer["reason"]) == (503, "ServiceUnavailable"), answer
        assert answer["message"].startswith("etcdserver: mvcc: database space exceeded"), answer
        assert answer["details"]["retryAfterSeconds"] == 1
        assert ask(connect(plane), "GET", f"{COLLECTION}/early")[0] == 200
        assert ask(connect(plane), "PUT", f"{COLLECTION}/early", config_map("early", "y"))[0] == 503
        assert ask(connect(plane), "DELETE", f"{COLLECTION}/filled-0")[0] == 200
        assert ask(connect(plane), "GET", f"{COLLECTION}/filled-0")[0] == 404
        # It starts again on a full disk, and holds the same.
        plane.kill()
        plane.start()
        assert ask(connect(plane), "GET", f"{COLLECTION}/filled-{count - 1}")[0] == 200
        assert create(plane, "refused")[0] == 503
        ballast.unlink()
        until(lambda: create(plane, "again")[0] == 201)
        assert plane.stop() == 0


def test_deletes_and_compaction_alone_give_a_full_store_its_space_back(tmp_path):
    with small_disk(tmp_path / "data", 24):
        plane = ControlPlane(tmp_path).start()
        count, status, answer = create_until_refused(plane, "filled", "x" * 100_000)
        assert status == 503, answer
        assert ask(connect(plane), "DELETE", COLLECTION)[0] == 200

        def serves():
            compacted = subprocess.run(
                [BIN / "martlet", "store", "compact", "--kubeconfig", plane.kubeconfig],
                capture_output=True, text=True)
            assert compacted.returncode == 0, compacted.stderr
            return create(plane, "again", "x" * 100_000)[0] == 201

        until(serves)
        assert plane.stop() == 0


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    members = Members(tmp_path_factory.mktemp("members"), 3).start()
    yield members
    assert all(status == 0 for status in members.stop())


@pytest.mark.parametrize("is_full_leader", [True, False], ids=["leader", "follower"])
def test_a_member_with_a_full_disk_leaves_the_work_to_the_others(tmp_path, is_full_leader):
    members = Members(tmp_path, 3)
    with contextlib.ExitStack() as disks:
        for plane in members.planes:
            disks.enter_context(small_disk(plane.data, 32))
        members.start()
        leader = members.leader()
        full = members.planes[leader if is_full_leader else (leader + 1) % 3]
        others = [plane for plane in members.planes if plane is not full]
        ballast = fill(full.data)
        # Whoever leads goes on, or hands over; the full one is refused space at last.
        for number in range(150):
            # One that was not answered may have happened.
            until(lambda: create(others[0], f"while-{number}", "x" * 50_000)[0] in (201, 409))
        until(lambda: any(is_leader(plane) for plane in others))
        # It serves what it has to whoever is content with that.
        assert ask(connect(full), "GET", f"{COLLECTION}?resourceVersion=0")[0] == 200
        assert full.process.poll() is None, said(full)
        ballast.unlink()
        last = f"{COLLECTION}/while-149"
        until(lambda: ask(connect(full), "GET", last)[0] == 200)
        until(lambda: create(full, "again")[0] == 201)
        assert all(status == 0 for status in members.stop())


# MARK: Disks that fail

class BoundedPlane(ControlPlane):
    """A plane whose files can be kept from growing: a write beyond fails, as on a broken disk."""

    def launch(self):
        with open(self.folder / "stderr.txt", "ab") as errors:
            self.process = subprocess.Popen(
                [BIN / "martlet", "serve", "--data-dir", self.data, "--listen", "127.0.0.1:0",
                 "--token-auth-file", self.tokens, *self.flags],
                stdout=subprocess.PIPE, stderr=errors, text=True,
                preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))

    def bound(self, count):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (count, count))


def test_a_write_that_fails_ends_the_process_and_nothing_acknowledged_is_lost(tmp_path):
    plane = BoundedPlane(tmp_path).start()
    assert create(plane, "kept")[0] == 201
    plane.bound(64)
    with pytest.raises((OSError, http.client.HTTPException, AssertionError)):
        status, answer = create(plane, "lost")
        assert status == 201, answer
    assert plane.process.wait(30) == 74
    assert "write" in said(plane), said(plane)
    plane.start()
    assert ask(connect(plane), "GET", f"{COLLECTION}/kept")[0] == 200
    assert create(plane, "after")[0] == 201
    assert plane.stop() == 0


def test_a_log_with_a_flipped_bit_is_refused_by_file_and_offset(tmp_path):
    plane = ControlPlane(tmp_path).start()
    for number in range(20):
        assert create(plane, f"n-{number}", "text " * 200)[0] == 201
    assert plane.stop() == 0
    log = next((plane.data / "store").glob("*.log"), None) or next(plane.data.rglob("*.log"))
    bytes_ = bytearray(log.read_bytes())
    offset = bytes_.index(b"text text") + 300
    bytes_[offset] ^= 4
    log.write_bytes(bytes_)
    plane.launch()
    status = plane.process.wait(30)
    assert status not in (0, None)
    text = said(plane)
    assert log.name in text, text
    found = int(re.search(r"offset:? (\d+)", text)[1])
    assert found <= offset, text


# MARK: Members that differ

def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def count_one_put_too_many(checkpoint, name):
    """Lets a checkpoint say that an object was put once more than it was, with a checksum that agrees."""
    data = bytearray(checkpoint.read_bytes())
    end = data.index(f"configmaps/default/{name}".encode()) + len(f"configmaps/default/{name}")
    # Revision, place, extent, create revision: 32 bytes; then the version.
    data[end + 32] += 1
    data[8:12] = crc32c(data[16:80], crc32c(data[80:])).to_bytes(4, "little")
    checkpoint.write_bytes(data)


def is_served(plane, name):
    """Whether a member that may be beginning anew takes a write."""
    try:
        return create(plane, name)[0] in (201, 409)
    except (OSError, http.client.HTTPException):
        return False


def test_a_member_that_holds_something_else_is_found_out_and_let_in_anew(tmp_path):
    members = Members(tmp_path, 3).start()
    try:
        leader = members.planes[members.leader()]
        assert create(leader, "counted")[0] == 201
        # A checkpoint is written at the end only if a start would have to read more than 32 MB.
        for number in range(42):
            status, answer = create(leader, f"large-{number}", "x" * 900_000)
            assert status == 201, str(answer)[:500]
        other = next(plane for plane in members.planes if plane is not leader)
        assert other.stop() == 0
        count_one_put_too_many(other.data / "log/checkpoint", "counted")
        other.start()
        until(lambda: "so it stops" in said(other))
        until(lambda: "holds something else than a majority" in said(leader))
        # It is the same process, begun anew, with another number and the others' log.
        until(lambda: is_served(other, "after"))
        until(lambda: metric(leader, "martlet_store_compared_revision")
              == metric(leader, "etcd_debugging_mvcc_current_revision"))
        assert metric(leader, "martlet_store_differences_found_total") == 1
        for plane in members.planes:
            status, found = ask(connect(plane), "GET", f"{COLLECTION}/counted")
            assert status == 200 and found["data"] == {"text": "x"}
        status = subprocess.run(
            [BIN / "martlet", "store", "status", "--kubeconfig", leader.data / "admin.kubeconfig"],
            capture_output=True, text=True)
        assert "findings of members that differ: 1 (see the log)" in status.stdout, status
        assert members.stop() == [0, 0, 0]
    finally:
        for plane in members.planes:
            if plane.process.poll() is None:
                plane.process.kill()


# MARK: Members of other clusters

def flags_without(plane, *names):
    flags = list(plane.flags)
    for name in names:
        place = flags.index(name)
        del flags[place:place + 2]
    return flags


def test_a_member_of_another_cluster_is_refused_by_name(tmp_path):
    """Two of three are started with one list of members, the third with another."""
    members = Members(tmp_path, 3)
    stranger = members.planes[2]
    other = re.sub(r",n1=[^,]*", "", "," + members.initial)[1:] + f",n9=https://127.0.0.1:{free_ports(1)[0]}"
    stranger.flags = [other if flag == members.initial else flag for flag in stranger.flags]
    planes = members.planes[:2]
    starting = [threading.Thread(target=plane.start) for plane in planes]
    for one in starting:
        one.start()
    stranger.launch()
    for one in starting:
        one.join()
    try:
        assert create(planes[0], "ours")[0] == 201
        told = until(lambda: next((line for plane in planes for line in said(plane).splitlines()
                                   if "another cluster" in line or "refused a connection" in line), None))
        assert "n3" in told or "127.0.0.1" in told, told
    finally:
        stranger.kill()
        for plane in planes:
            plane.stop()


def test_a_member_with_a_certificate_of_another_authority_is_refused(three, tmp_path):
    """It has the right list of members and other keys, as if made by somebody else."""
    (tmp_path / "other").mkdir()
    other = ControlPlane(tmp_path / "other").start()
    other.stop()
    victim = next(plane for plane in three.planes if not is_leader(plane))
    pki, kept = victim.data / "pki", tmp_path / "pki"
    assert victim.stop() == 0
    shutil.copytree(pki, kept)
    shutil.rmtree(pki)
    shutil.copytree(other.data / "pki", pki)
    victim.launch()
    others = [plane for plane in three.planes if plane is not victim]
    until(lambda: any("not of this cluster's CA" in said(plane) or "TLS failed" in said(plane)
                      for plane in others))
    assert create(others[0], "without-it")[0] == 201
    victim.kill()
    shutil.rmtree(pki)
    shutil.copytree(kept, pki)
    victim.start()
    assert ask(connect(victim), "GET", f"{COLLECTION}/without-it")[0] == 200


def test_a_token_that_is_wrong_lets_nobody_in(three, tmp_path):
    leader = three.planes[three.leader()]
    join = re.search(r"n\d=(https://[^,]*)", three.initial)[1]
    done = subprocess.run(
        [BIN / "martlet", "serve", "--name", "n7", "--data-dir", tmp_path / "n7", "--join", join,
         "--join-token", "0123456789abcdef.0123456789abcdef0123456789abcdef",
         "--peer-listen", f"127.0.0.1:{free_ports(1)[0]}"],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 64 and "token" in done.stderr, done.stderr
    assert any("it may not join" in said(plane) for plane in three.planes)
    assert create(leader, "after-a-wrong-token")[0] == 201


# MARK: Large requests

def large_pod(name, count):
    """A Pod of about `count` bytes: nothing bounds the values of environment variables."""
    text = "v" * 100_000
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "containers": [{"name": "c", "image": "i", "env": [
            {"name": f"E{number}", "value": text} for number in range(count // len(text))]}]}}


def test_an_object_of_a_megabyte_and_a_half_is_stored_watched_and_listed_by_every_member(three):
    leader = three.leader()
    follower, other = three.planes[(leader + 1) % 3], three.planes[(leader + 2) % 3]
    pods = "/api/v1/namespaces/default/pods"
    until(lambda: ask(connect(follower), "GET",
                      "/api/v1/namespaces/default/serviceaccounts/default")[0] == 200)
    _, answer = ask(connect(other), "GET", pods)
    watching = connect(other)
    watching.request("GET", f"{pods}?watch=true&resourceVersion={answer['metadata']['resourceVersion']}",
                     headers={"Authorization": "Bearer admin-token"})
    watch = watching.getresponse()
    status, made = ask(connect(follower), "POST", pods, large_pod("large", 1_500_000))
    assert status == 201, str(made)[:500]
    event = json.loads(watch.readline())
    assert event["type"] == "ADDED" and event["object"]["spec"] == made["spec"]
    for plane in three.planes:
        status, found = ask(connect(plane), "GET", f"{pods}/large")
        assert status == 200 and found["spec"]["containers"] == made["spec"]["containers"]
        status, found = ask(connect(plane), "GET", pods)
        assert [item["metadata"]["name"] for item in found["items"]] == ["large"]


def test_a_request_beyond_the_limit_is_refused_in_kubernetes_words(three):
    limit = 3 * 1024 * 1024
    status, answer = ask(connect(three.planes[0]), "POST", "/api/v1/namespaces/default/pods",
                         large_pod("too-large", limit + 200_000))
    assert (status, answer["reason"]) == (413, "RequestEntityTooLarge"), answer
    assert answer["message"] == f"Request entity too large: limit is {limit}"


# MARK: Many watches

WATCH_CONNECTIONS, WATCHES_PER_CONNECTION = 1_000, 100


@pytest.fixture(scope="module")
def watch_streams(tmp_path_factory):
    """A client that holds many watches open over HTTP/2."""
    path = tmp_path_factory.mktemp("watches") / "watch_streams"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-D_GNU_SOURCE", "-o", path,
                    ROOT / "tools/benchmark/watch_streams.c", "-lnghttp2", "-lssl", "-lcrypto"], check=True)
    return path


def test_a_hundred_thousand_watches_all_hear_of_a_change_and_others_are_served(tmp_path, watch_streams):
    plane = ControlPlane(tmp_path, "--disable", "controllers,scheduler").start()
    assert create(plane, "watched")[0] == 201
    count = WATCH_CONNECTIONS * WATCHES_PER_CONNECTION
    port = plane.url.rsplit(":", 1)[1]
    path = f"{COLLECTION}?watch=1&fieldSelector=metadata.name%3Dwatched&timeoutSeconds=3600"
    client = subprocess.Popen(
        [watch_streams, port, "admin-token", path, str(WATCH_CONNECTIONS), str(WATCHES_PER_CONNECTION),
         str(2 * count)], stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout.readline() == "open\n"
        # While all are told of the first change, others write and read as ever.
        for text in ("first", "second"):
            status, answer = ask(connect(plane), "PUT", f"{COLLECTION}/watched", config_map("watched", text))
            assert status == 200, answer
            assert create(plane, f"beside-{text}")[0] == 201
        assert client.stdout.readline() == "done\n", "each watch has heard of both"
    finally:
        client.kill()
        client.wait()
    names = {item["metadata"]["name"] for item in ask(connect(plane), "GET", COLLECTION)[1]["items"]}
    assert {"watched", "beside-first", "beside-second"} <= names
    assert plane.stop() == 0
