"""An etcd of one member, and the client that puts load on it."""
import json
import os
import select
import socket
import subprocess
import time

from process import Process
from server import START_SECONDS_MAX, StartFailed, free_port


class Etcd:
    """etcd on a data directory. `start_ms` is the time from its start to its first linearizable
    read. It syncs every write, which is its default."""

    def __init__(self, binary, client, directory):
        self.client, self.directory, self.port = client, directory, free_port()
        urls = [f"http://127.0.0.1:{port}" for port in (self.port, free_port())]
        log = directory + ".log"
        with Notices() as notices, open(log, "a") as file:
            began = time.monotonic()
            self.child = subprocess.Popen(
                [binary, "--data-dir", directory, "--log-level", "error",
                 "--quota-backend-bytes", str(8 << 30),
                 "--listen-client-urls", urls[0], "--advertise-client-urls", urls[0],
                 "--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1],
                 "--initial-cluster", f"default={urls[1]}"],
                stdout=file, stderr=file, env={**os.environ, "NOTIFY_SOCKET": notices.path})
            if not notices.wait_ready(self.child):
                self.stop()
                with open(log) as file:
                    raise StartFailed("etcd did not start:\n" + file.read())
        self.process = Process(self.child.pid)
        self.load("ready")
        self.start_ms = (time.monotonic() - began) * 1e3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.child.terminate()
        self.child.wait()

    def load(self, *numbers, watch=None):
        """What the client saw. `watch` is called again and again while the load is on."""
        client = subprocess.Popen(self._command(numbers), stdout=subprocess.PIPE, text=True)
        while watch and client.poll() is None:
            watch()
        said, _ = client.communicate()
        if client.returncode != 0:
            raise SystemExit(f"load on etcd failed: {numbers}")
        return json.loads(said)

    def cost(self, *numbers):
        """The same, with what it cost etcd for each thing that the client counts."""
        cpu_s, written = self.process.cpu_s, self.process.written_bytes
        saw = self.load(*numbers)
        saw["cpu_us"] = (self.process.cpu_s - cpu_s) * 1e6 / saw["count"]
        saw["written"] = (self.process.written_bytes - written) / saw["count"]
        saw["per_s"] = saw["count"] / saw["seconds"]
        return saw

    def _command(self, numbers):
        return [self.client, str(self.port), *map(str, numbers)]


def version(binary):
    """As in "etcd 3.5.30"."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return "etcd " + said.split("\n")[0].removeprefix("etcd Version: ")


class Notices:
    """Hears from a service that it is ready, as systemd does."""

    def __init__(self):
        # Linux's abstract names need no file.
        self.name = f"martlet-bench-{os.getpid()}"
        self.path = "@" + self.name

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def wait_ready(self, child):
        """False if the process ended, or said nothing for too long."""
        ended = os.pidfd_open(child.pid)
        try:
            while True:
                ready, _, _ = select.select([self.socket, ended], [], [], START_SECONDS_MAX)
                if self.socket not in ready:
                    return False
                if b"READY=1" in self.socket.recv(4096):
                    return True
        finally:
            os.close(ended)
