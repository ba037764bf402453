"""Networks of Linux network namespaces on this machine, to be cut and mended.

Each member, and the clients together, are in a namespace of their own. Two networks join them, one
for members among themselves and one for clients, by bridges in one more namespace. A part of a
network is cut off, without a word to anybody, by moving its cables to another bridge; what a
member sends to another is dropped on its way out by a blackhole route. Packets between
members may also be lost or answered by a reset (nftables), or squeezed through a narrow queue, where
they come late and what does not fit is lost (tc). Nothing of it is in the machine's own network, and
no packet leaves these namespaces.
"""
import atexit
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess

PREFIX = "martlet-histories-"
CLONE_NEWNET = 0x40000000
PEERS, CLIENTS = "10.77.1.", "10.77.0."
CLIENTS_PLACE = 9


class Unavailable(Exception):
    """This machine has no namespaces to give, and why."""


def call(*words):
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Unavailable(f"{words[0]} is not installed") from error
    if done.returncode:
        raise Unavailable(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def ip(*words):
    return call("ip", *words)


def sweep():
    """Removes what runs that ended without a word have left behind."""
    for name in ip("netns", "list").split():
        owner = name.removeprefix(PREFIX).split("-")[0]
        if name.startswith(PREFIX) and not pathlib.Path(f"/proc/{owner}").exists():
            remove(name)


def remove(name):
    """Removes a namespace, and ends what runs in it."""
    with contextlib.suppress(Unavailable):
        for pid in ip("netns", "pids", name).split():
            if int(pid) != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        ip("netns", "delete", name)


class Networks:
    """`count` members, numbered from 0, and the clients, of whom this process becomes one."""

    def __init__(self, count):
        try:
            sweep()
            self.count, self.names, self.squeezed = count, [], set()
            self.hub = self.add("hub")
            self.hosts = [self.add(f"n{place + 1}") for place in range(count)]
            self.clients = self.add("clients")
            for bridge in self.bridges():
                ip("-n", self.hub, "link", "add", bridge, "type", "bridge")
                ip("-n", self.hub, "link", "set", bridge, "up")
            for place, host in enumerate(self.hosts):
                self.plug(host, f"p{place}", "peers0", f"{PEERS}{place + 1}/24")
                self.plug(host, f"c{place}", "clients0", f"{CLIENTS}{place + 1}/24")
            self.plug(self.clients, f"c{CLIENTS_PLACE}", "clients0", f"{CLIENTS}{CLIENTS_PLACE}/24")
            self.heal()  # Whether it can be done is found out now rather than in the middle.
        except (Unavailable, OSError) as error:
            self.remove()
            raise Unavailable(str(error)) from error

    def bridges(self):
        return [f"{network}{side}" for network in ("peers", "clients") for side in (0, 1)]

    def add(self, name):
        name = f"{PREFIX}{os.getpid()}-{name}"
        if not self.names:
            atexit.register(self.remove)
        self.names.append(name)
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def plug(self, host, cable, bridge, address):
        ip("-n", self.hub, "link", "add", cable, "type", "veth", "peer", "name", cable, "netns", host)
        ip("-n", self.hub, "link", "set", cable, "master", bridge, "up")
        ip("-n", host, "address", "add", address, "dev", cable)
        ip("-n", host, "link", "set", cable, "up")

    def remove(self):
        for name in self.names:
            remove(name)
        self.names = []

    def enter(self):
        """Brings this process, which must have one thread, and all that it starts, to the clients."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/run/netns/{self.clients}") as file:
            if libc.setns(file.fileno(), CLONE_NEWNET):
                raise Unavailable(f"setns: {os.strerror(ctypes.get_errno())}")

    def command(self, place):
        """What starts a program at a member's place."""
        return ["nsenter", f"--net=/run/netns/{self.hosts[place]}"]

    # Faults.

    def separate(self, places):
        """Parts these members from the others; clients reach all."""
        for place in places:
            ip("-n", self.hub, "link", "set", f"p{place}", "master", "peers1")

    def separate_from_clients(self, places):
        for place in places:
            ip("-n", self.hub, "link", "set", f"c{place}", "master", "clients1")

    def mute(self, place, others):
        """What a member sends to these others does not leave it; what they send arrives."""
        for other in others:
            ip("-n", self.hosts[place], "route", "add", "blackhole", f"{PEERS}{other + 1}/32")

    def lose(self, place, percent):
        """So many packets in a hundred from other members are lost before they reach this one. On
        their way out the sender's TCP would hear of it."""
        self.filter(place, "input", f"ip saddr {PEERS}0/24 numgen random mod 100 < {percent} drop")

    def reset(self, place, permille):
        """So many packets in a thousand to other members end their connection, of which the other
        side does not hear."""
        self.filter(place, "output", f"ip daddr {PEERS}0/24 ip protocol tcp "
                                     f"numgen random mod 1000 < {permille} reject with tcp reset")

    def filter(self, place, hook, rule):
        call("ip", "netns", "exec", self.hosts[place], "nft",
             f"add table inet faults; add chain inet faults {hook} {{ type filter hook {hook} priority 0; }}; "
             f"add rule inet faults {hook} {rule}")

    def squeeze(self, place, kilobits, milliseconds):
        """What a member sends to others goes out at so many kilobits a second, and waits for so long
        at most; what would wait longer is lost."""
        call("tc", "-n", self.hosts[place], "qdisc", "replace", "dev", f"p{place}", "root", "tbf",
             "rate", f"{kilobits}kbit", "burst", "4kb", "latency", f"{milliseconds}ms")
        self.squeezed.add(place)

    def heal(self):
        for place in self.squeezed:
            call("tc", "-n", self.hosts[place], "qdisc", "delete", "dev", f"p{place}", "root")
        self.squeezed.clear()
        for place, host in enumerate(self.hosts):
            call("ip", "netns", "exec", host, "nft", "flush ruleset")
            ip("-n", self.hub, "link", "set", f"p{place}", "master", "peers0")
            ip("-n", self.hub, "link", "set", f"c{place}", "master", "clients0")
            for line in ip("-n", host, "route", "show", "type", "blackhole").splitlines():
                ip("-n", host, "route", "delete", *line.split()[:2])
