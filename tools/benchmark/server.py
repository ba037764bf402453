"""A control plane under test: its process, and a connection to it."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import time

from process import Process

TOKEN = "bench-token"
START_SECONDS_MAX = 30
POLL_SECONDS = 0.002


class StartFailed(Exception):
    """The control plane ended, or was not ready in time. Says what it said."""


class Server:
    """`martlet serve` on a data directory. `start_s` is how long it took to answer /readyz."""

    def __init__(self, martlet, work, api_only):
        self.port = free_port()
        tokens = os.path.join(work, "tokens.csv")
        with open(tokens, "w") as file:
            file.write(f'{TOKEN},bench,1,"system:masters"\n')
        command = [martlet, "serve", "--data-dir", os.path.join(work, "data"),
                   "--listen", f"127.0.0.1:{self.port}", "--token-auth-file", tokens]
        if api_only:
            command += ["--disable", "controllers,scheduler"]
        self.connection = None
        began = time.monotonic()
        self.log = open(os.path.join(work, "server.log"), "a")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() - began > START_SECONDS_MAX:
                self.process.kill()
                self.process.wait()
                with open(self.log.name) as log:
                    raise StartFailed("the control plane did not start:\n" + log.read())
            time.sleep(POLL_SECONDS)
        self.start_s = time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def is_ready(self):
        try:
            return self.request("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            self.connection = None
            return False

    def request(self, method, path, body=None, content_type="application/json"):
        """The code and body of an answer; the connection stays open between requests."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, context=ssl._create_unverified_context())
        self.connection.request(
            method, path, body if body is None else json.dumps(body),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def expect(self, method, path, body=None, content_type="application/json"):
        """The body of an answer that must be a success."""
        code, text = self.request(method, path, body, content_type)
        if code >= 300:
            raise SystemExit(f"{method} {path}: {code} {text.decode(errors='replace')}")
        return json.loads(text)

    @property
    def cpu_s(self):
        return Process(self.process.pid).cpu_s

    @property
    def memory_mb(self):
        return Process(self.process.pid).resident_mb


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def can_connect(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
