"""Kills, pauses and parts the members of a cluster, and disturbs what they send, while clients
write, read and watch, and has what they saw checked.

Needs Python's own library, iproute2, nftables and util-linux; tools/partition-rounds and
tools/check-etcd run it. Everything that happens follows from one seed, but for when exactly.

Exit status: 0 if all is well, 1 if a promise is broken, 77 if this machine has no network
namespaces to give (--loopback does without, and without partitions).
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

from namespaces import CLIENTS, PEERS, Networks, Unavailable
from plane import BIN, TOKENS

UNAVAILABLE = 77
PATIENCE_SECONDS = 60
TRACE = "enable=yes,threads=crashed,images=none,registers=none,interactive=no,color=no,sanitize=yes"
#: The longest time after which a member stands for election: 20 ticks of 30 ms.
ELECTION_SECONDS = 0.6


class Loopback:
    """No networks of our own: ports of this machine, which cannot be cut."""

    def command(self, place):
        return []

    def heal(self):
        pass

    def remove(self):
        pass


class Member:
    """A process that is started again and again."""

    def __init__(self, folder, command, url):
        self.folder, self.command, self.url = folder, command, url
        self.process, self.paused = None, False

    def start(self):
        # A trap ends the process at once, and says where.
        environment = {**os.environ, "SWIFT_BACKTRACE": TRACE}
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=environment)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def is_well(self):
        return self.process.poll() is None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def ask(self, method, path, body=None, context=None):
        """The answer's text; None if there is none."""
        kind, place = self.url.split("://")
        connection = (http.client.HTTPSConnection(place, context=context, timeout=1)
                      if kind == "https" else http.client.HTTPConnection(place, timeout=1))
        try:
            connection.request(method, path, body, {"Authorization": "Bearer admin-token"})
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def addresses(networks, place):
    """Where a member listens for clients, and for other members."""
    if isinstance(networks, Loopback):
        from members import free_ports
        return [f"127.0.0.1:{port}" for port in free_ports(2)]
    return f"{CLIENTS}{place + 1}:6443", f"{PEERS}{place + 1}:6480"


class Martlet:
    election_seconds = ELECTION_SECONDS

    def __init__(self, folder, networks, count):
        places = [addresses(networks, place) for place in range(count)]
        names = [f"n{place + 1}" for place in range(count)]
        cluster = ",".join(f"{name}=https://{peer}" for name, (_, peer) in zip(names, places))
        self.folder, self.members = folder, []
        for place, (name, (listen, peer)) in enumerate(zip(names, places)):
            home = folder / name
            home.mkdir()
            (home / "tokens.csv").write_text(TOKENS)
            several = ["--initial-cluster", cluster, "--join-token", "only-for-the-first-start"]
            self.members.append(Member(home, [
                *networks.command(place), str(BIN / "martlet"), "serve", "--name", name,
                "--data-dir", str(home / "data"), "--listen", listen,
                *(several if count > 1 else []), "--token-auth-file", str(home / "tokens.csv"),
                "--disable", "controllers,scheduler", "--etcd-compaction-interval", "1m",
                "--max-requests-inflight", "0", "--max-mutating-requests-inflight", "0"],
                f"https://{listen}"))
        self.context = None

    def leads(self, member):
        return "etcd_server_is_leader 1\n" in (self.get(member, "/metrics") or "")

    def is_ready(self):
        return all((member.folder / "data/pki/ca.crt").exists() and self.get(member, "/readyz") == "ok"
                   for member in self.members)

    def has_voters(self):
        """Whether some member knows as many voters as there are members, and nobody else."""
        for member in self.members:
            done = subprocess.run([BIN / "martlet", "store", "status", "--json", "--kubeconfig",
                                   member.folder / "data/admin.kubeconfig"], capture_output=True, text=True)
            if done.returncode == 0:
                found = [one["voter"] for one in json.loads(done.stdout)["members"]]
                if all(found) and len(found) == len(self.members):
                    return True
        return False

    def get(self, member, path):
        if self.context is None:
            self.context = ssl.create_default_context(cafile=self.members[0].folder / "data/pki/ca.crt")
        return member.ask("GET", path, context=self.context)

    def flags(self):
        return ["--kubernetes", ",".join(member.url for member in self.members), "--token", "admin-token",
                "--ca", str(self.members[0].folder / "data/pki/ca.crt")]


class Etcd:
    #: Its --election-timeout, which it doubles at random.
    election_seconds = 2.0

    def __init__(self, folder, networks, count, binary):
        places = [addresses(networks, place) for place in range(count)]
        names = [f"n{place + 1}" for place in range(count)]
        cluster = ",".join(f"{name}=http://{peer}" for name, (_, peer) in zip(names, places))
        self.folder, self.members = folder, []
        for place, (name, (listen, peer)) in enumerate(zip(names, places)):
            home = folder / name
            home.mkdir()
            self.members.append(Member(home, [
                *networks.command(place), binary, "--name", name, "--data-dir", str(home / "data"),
                "--log-level", "error", "--listen-client-urls", f"http://{listen}",
                "--advertise-client-urls", f"http://{listen}", "--listen-peer-urls", f"http://{peer}",
                "--initial-advertise-peer-urls", f"http://{peer}", "--initial-cluster", cluster,
                "--experimental-watch-progress-notify-interval", "1s"], f"http://{listen}"))

    def leads(self, member):
        text = member.ask("POST", "/v3/maintenance/status", "{}")
        found = json.loads(text) if text else {}
        return "leader" in found and found["leader"] == found["header"]["member_id"]

    def is_ready(self):
        return all("true" in (member.ask("GET", "/health") or "") for member in self.members)

    def flags(self):
        return ["--etcd", ",".join(member.url for member in self.members)]


class Recorder:
    """The program that puts clients on a cluster, and checks what they saw."""

    def __init__(self, cluster, seed, *flags):
        self.process = subprocess.Popen(
            [BIN / "record-history", *cluster.flags(), "--seed", str(seed),
             "--history", str(cluster.folder / "history.txt"), *flags],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(cluster.folder / "violations.txt", "ab"),
            text=True)
        assert self.answer() == {"begun": True}

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"record-history ended with {self.process.wait()}"
        return json.loads(line)


class Rounds:
    """Faults, one after the other, and what they came to."""

    def __init__(self, cluster, networks, seed):
        self.cluster, self.networks, self.chance = cluster, networks, random.Random(seed)
        self.members = cluster.members
        self.done = {"kills": 0, "pauses": 0, "partitions": 0, "links": 0, "damages": 0}
        self.faults = {
            "kill leader": (8, lambda: self.kill([self.leader()])),
            "kill one": (3, lambda: self.kill([self.any()])),
            "kill two": (2, lambda: self.kill(self.chance.sample(range(len(self.members)), 2))),
            "kill all": (2, lambda: self.kill(self.all())),
            "kill again while it starts": (2, self.kill_starting),
            "kill in turn": (2, self.kill_in_turn),
            "pause leader": (4, lambda: self.pause(self.leader())),
            "pause one": (1, lambda: self.pause(self.any())),
        }
        if len(self.members) == 1:
            self.faults = {"kill": (4, self.kill_alone), "pause": (1, lambda: self.pause(0))}
        elif isinstance(networks, Networks):
            self.faults |= {
                "part leader": (4, lambda: self.part(self.leader(), and_clients=True)),
                "part one": (1, lambda: self.part(self.any(), and_clients=True)),
                "part leader from members": (4, lambda: self.part(self.leader())),
                "part leader with clients": (2, self.part_with_clients),
                "mute leader": (2, lambda: self.mute(self.leader())),
                "mute one to another": (1, lambda: self.mute(self.any(), one=True)),
                "deafen leader": (2, self.deafen),
                "part leader and kill another": (1, self.part_and_kill),
                "lose packets of leader": (2, lambda: self.disturb([self.leader()], self.lose)),
                "lose packets of all": (1, lambda: self.disturb(self.all(), self.lose)),
                "squeeze leader": (2, lambda: self.disturb([self.leader()], self.squeeze)),
                "squeeze all": (1, lambda: self.disturb(self.all(), self.squeeze)),
                "reset connections of leader": (1, lambda: self.disturb([self.leader()], self.reset)),
                "reset connections of all": (1, lambda: self.disturb(self.all(), self.reset)),
            }
        if isinstance(cluster, Martlet) and len(self.members) > 2:
            self.faults |= {"rot": (1, lambda: self.damage(rot)), "lose a log": (1, lambda: self.damage(lose_log))}

    def leader(self):
        """The place of the member that leads; any if nobody does."""
        for _ in range(20):
            places = list(range(len(self.members)))
            self.chance.shuffle(places)
            for place in places:
                if self.cluster.leads(self.members[place]):
                    return place
            time.sleep(0.05)
        return self.any()

    def all(self):
        return list(range(len(self.members)))

    def any(self):
        return self.chance.randrange(len(self.members))

    def play(self):
        """One fault, and its end."""
        names = list(self.faults)
        name = self.chance.choices(names, [self.faults[name][0] for name in names])[0]
        self.faults[name][1]()
        return name

    def hold(self, longest=2.0):
        time.sleep(self.chance.uniform(0.1, longest))

    def kill(self, places):
        for place in places:
            self.members[place].kill()
            self.done["kills"] += 1
        self.hold(1.5)
        for place in places:
            self.members[place].start()
        self.hold(0.5)

    def kill_alone(self):
        self.kill([0])
        wait_until(self.cluster.is_ready, "the member does not come back")
        self.hold()

    def kill_starting(self):
        place = self.leader()
        for _ in range(self.chance.randint(2, 4)):
            self.members[place].kill()
            self.done["kills"] += 1
            self.members[place].start()
            time.sleep(self.chance.uniform(0.005, 0.4))

    def kill_in_turn(self):
        for _ in range(self.chance.randint(4, 10)):
            place = self.any()
            self.members[place].kill()
            self.done["kills"] += 1
            time.sleep(self.chance.uniform(0.01, 0.5))
            self.members[place].start()
            time.sleep(self.chance.uniform(0.01, 0.7))

    def pause(self, place):
        self.members[place].pause()
        self.done["pauses"] += 1
        time.sleep(min(5.0, self.chance.expovariate(1) + 0.1))
        self.members[place].resume()
        self.hold(0.5)

    def part(self, place, and_clients=False):
        self.done["partitions"] += 1
        self.networks.separate([place])
        if and_clients:
            self.networks.separate_from_clients([place])
        self.hold(3.0)
        self.heal()

    def part_with_clients(self):
        """Clients reach nobody but a member that is alone."""
        self.done["partitions"] += 1
        place = self.leader()
        self.networks.separate([place])
        self.networks.separate_from_clients([other for other in range(len(self.members)) if other != place])
        self.hold()
        self.heal()

    def mute(self, place, one=False):
        self.done["partitions"] += 1
        others = [other for other in range(len(self.members)) if other != place]
        self.networks.mute(place, self.chance.sample(others, 1) if one else others)
        self.hold(3.0)
        self.heal()

    def deafen(self):
        self.done["partitions"] += 1
        place = self.leader()
        for other in range(len(self.members)):
            if other != place:
                self.networks.mute(other, [place])
        self.hold(3.0)
        self.heal()

    def part_and_kill(self):
        self.done["partitions"] += 1
        place = self.leader()
        self.networks.separate([place])
        self.kill([(place + 1) % len(self.members)])
        self.heal()

    def disturb(self, places, harm):
        """What these members send to others arrives late, or in part, or ends its connection."""
        self.done["links"] += 1
        for place in places:
            harm(place)
        self.hold(4.0)
        self.heal()

    def lose(self, place):
        self.networks.lose(place, self.chance.choice([2, 10, 30]))

    def squeeze(self, place):
        # The cluster needs some thousand kilobits a second.
        self.networks.squeeze(place, self.chance.choice([100, 500, 2000]), self.chance.choice([50, 300, 2000]))

    def reset(self, place):
        self.networks.reset(place, self.chance.choice([2, 10, 50]))

    def damage(self, harm):
        """Harms the log of a member that is down, which is then to be let in anew by the others."""
        member = self.members[self.any()]
        member.kill()
        self.done["kills"] += 1
        self.done["damages"] += 1
        harm(member.folder / "data/log", self.chance)
        member.start()
        # Two at a time are more than three members can spare.
        wait_until(lambda: self.cluster.is_ready() and self.cluster.has_voters(),
                   f"{member.folder.name} is not let in anew")

    def heal(self):
        self.networks.heal()
        self.hold(0.5)


def rot(log, chance):
    """Flips a bit, but not where the end of the log may be: there it may as well be a torn write,
    which cannot be told from damage."""
    files = sorted(log.glob("*.log"))
    file = chance.choice(files[:max(1, len(files) - 2)])
    with open(file, "r+b") as opened:
        used = opened.read().rstrip(b"\0")
        place = chance.randrange(len(used) // 2 + 1)
        opened.seek(place)
        opened.write(bytes([used[place] ^ 1 << chance.randrange(8)]))


def lose_log(log, chance):
    """All segments are gone; mostly all else that the disk had, too: then the member looks like one
    that starts for the first time."""
    for file in log.glob("*" if chance.random() < 0.7 else "*.log"):
        if file.is_file():
            file.unlink()


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what)
        time.sleep(0.05)


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def run(cluster, networks, rounds, seed, epoch, *flags, only=None, election=None,
        say=lambda line: None):
    """Plays rounds, with faults of these names only; returns figures. Once all members are back,
    every client is to get on within ten times `election` seconds. `bad` has a line for all that is
    not as it should be."""
    for member in cluster.members:
        member.start()
    wait_until(cluster.is_ready, "the cluster does not start")
    recorder = Recorder(cluster, seed, *flags)
    play = Rounds(cluster, networks, seed)
    play.faults = {name: fault for name, fault in play.faults.items() if not only or only in name}
    total = {key: 0 for key in ("operations", "acknowledged", "unknown", "refused", "failed", "events",
                                "violations", "checked", "check_s")}
    bad, outages, recoveries, faults = [], [], [], {}

    def add(figures):
        for key in total:
            total[key] += figures.get(key, 0)

    for number in range(1, rounds + 1):
        time.sleep(play.chance.uniform(0.1, 0.4))
        add(recorder.ask("figures"))
        name = play.play()
        figures = recorder.ask("figures")
        add(figures)
        outages.append(figures["outage_s"])
        faults.setdefault(name, []).append(figures["outage_s"])
        for member in cluster.members:
            if not member.is_well():
                bad.append(f"round {number}, {name}: {member.folder.name} ended by itself: "
                           f"{member.process.returncode}")
        if number % epoch == 0 or number == rounds or bad:
            if not bad:
                wait_until(cluster.is_ready, f"round {number}: a member does not come back")
            progress = recorder.ask(f"progress {10 * (election or cluster.election_seconds)}")["progress_s"]
            if progress is None:
                bad.append(f"round {number}: a client gets nowhere within ten election timeouts")
            else:
                recoveries.append(progress)
            verdict = recorder.ask("end" if number == rounds or bad else "check")
            add(verdict)
            if verdict["violations"] or verdict["unfinished"]:
                bad.append(f"round {number}: {verdict['violations']} violations; see "
                           f"{cluster.folder}/violations.txt")
            say(f"{number} rounds, {total['checked']} operations checked, {play.done['kills']} kills, "
                f"{total['violations']} violations")
        if bad:
            break
    recorder.process.stdin.close()
    recorder.process.wait(60)
    return {**total, **play.done, "rounds": number, "bad": bad, "outages": outages,
            "recoveries": recoveries, "faults": faults}


def plant(cluster, seed, *flags):
    """Has bugs planted into what an unharmed cluster answers. Returns whether each is found."""
    for member in cluster.members:
        member.start()
    wait_until(cluster.is_ready, "the cluster does not start")
    done = subprocess.run([BIN / "record-history", *cluster.flags(), "--seed", str(seed), "--planted",
                           "--history", str(cluster.folder / "history.txt"), *flags], text=True,
                          stderr=open(cluster.folder / "violations.txt", "ab"))
    return done.returncode == 0


def stop(cluster):
    """The members' exit statuses."""
    statuses = []
    for member in cluster.members:
        if member.process and member.is_well():
            if member.paused:
                member.resume()
            statuses.append(member.stop())
    return statuses


@contextlib.contextmanager
def one(kind, count, loopback, folder, **words):
    """A cluster on networks of its own, both of which are gone afterwards."""
    networks = Loopback() if loopback else Networks(count)
    cluster = None
    try:
        if not loopback:
            networks.enter()
        cluster = kind(folder, networks, count, **words)
        yield cluster, networks
    finally:
        for member in cluster.members if cluster else []:
            if member.process and member.is_well():
                member.kill()
        networks.remove()


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    asked.add_argument("rounds", type=int, nargs="?", default=40)
    asked.add_argument("seed", type=int, nargs="?", default=random.randrange(1 << 32))
    asked.add_argument("--members", type=int, default=3)
    asked.add_argument("--epoch", type=int, default=20, help="rounds between two checks")
    asked.add_argument("--clients", type=int, default=32)
    asked.add_argument("--loopback", action="store_true", help="without namespaces and partitions")
    asked.add_argument("--etcd", metavar="PROGRAM", help="an etcd in place of Martlet")
    asked.add_argument("--election", type=float, metavar="SECONDS",
                       help="in place of the longest election timeout, where the machine is slow")
    asked.add_argument("--planted", action="store_true", help="plants bugs in place of faults")
    asked.add_argument("--only", help="faults that have this word in their names, and no others")
    asked = asked.parse_args()
    # An end by SIGTERM cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-histories-"))
    kind, words = (Etcd, {"binary": asked.etcd}) if asked.etcd else (Martlet, {})
    print(f"seed {asked.seed}", flush=True)
    try:
        with one(kind, asked.members, asked.loopback, folder, **words) as (cluster, networks):
            clients = ["--clients", str(asked.clients)]
            if asked.planted:
                is_good = plant(cluster, asked.seed, *clients)
                stop(cluster)
                shutil.rmtree(folder)
                return 0 if is_good else 1
            figures = run(cluster, networks, asked.rounds, asked.seed, asked.epoch,
                          *clients, only=asked.only, election=asked.election,
                          say=lambda line: print(line, file=sys.stderr, flush=True))
            # etcd ends by the signal itself.
            ends = [status for status in stop(cluster) if status not in (0, -signal.SIGTERM)]
            if ends and not figures["bad"]:
                figures["bad"].append(f"members ended with {ends}")
    except Unavailable as error:
        shutil.rmtree(folder)
        print(f"no network namespaces can be had here, so nothing was tried: {error}")
        return UNAVAILABLE
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(folder)
        raise
    report(figures)
    if figures["bad"]:
        print(f"kept: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def report(figures):
    print("{rounds} rounds: {kills} kills, {pauses} pauses, {partitions} partitions, {links} bad links, {damages} logs damaged; "
          "{operations} operations, {acknowledged} changes acknowledged, {unknown} of unknown outcome, {refused} refused, "
          "{events} events; checked in {check_s:.1f} s: {violations} violations".format(**figures))
    outages = figures["outages"]
    print(f"longest time without an acknowledged change, by round: {quantile(outages, 0.5):.2f} s at the median, "
          f"{quantile(outages, 0.99):.2f} s at the 99th percentile, {quantile(outages, 1):.2f} s at most")
    if figures["recoveries"]:
        print(f"all clients get on after the last fault within {max(figures['recoveries']):.2f} s")
    for name, outages in sorted(figures["faults"].items()):
        print(f"  {name}: {len(outages)} times, {quantile(outages, 0.5):.2f} s at the median, "
              f"{quantile(outages, 1):.2f} s at most")
    for line in figures["bad"]:
        print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
