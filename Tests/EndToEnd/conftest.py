"""Starts a control plane for the tests with real clients, and knows how to call them.

MARTLET_BIN is the folder with the built programs, MARTLET_CLIENTS the one with the clients; tools/test
sets both.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("MARTLET_BIN", ROOT / ".build/debug"))
CLIENTS = pathlib.Path(os.environ.get("MARTLET_CLIENTS", ROOT / ".build/clients"))
KUBECTLS = {"1.20": CLIENTS / "kubectl-1.20/kubectl", "new": CLIENTS / "kubectl-new/kubectl"}
TOKENS = """admin-token,admin,1,"system:masters"
nobody-token,nobody,2,"visitors"
"""


class ControlPlane:
    """A running martlet on a data directory of its own."""

    def __init__(self, folder, *flags):
        self.folder, self.flags, self.process = folder, flags, None
        self.tokens = folder / "tokens.csv"
        self.tokens.write_text(TOKENS)
        self.data = folder / "data"

    def start(self):
        with open(self.folder / "stderr.txt", "ab") as errors:
            self.process = subprocess.Popen(
                [BIN / "martlet", "serve", "--data-dir", self.data, "--listen", "127.0.0.1:0",
                 "--token-auth-file", self.tokens, *self.flags],
                stdout=subprocess.PIPE, stderr=errors, text=True)
        line = self.process.stdout.readline()
        match = re.match(r"ready (\S+) kubeconfig=(\S+) after [\d.]+ s$", line.strip())
        assert match, f"said {line!r}; errors: {(self.folder / 'stderr.txt').read_text()[-2000:]}"
        self.url, self.kubeconfig = match.groups()
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def curl(self, path, *flags, token="admin-token"):
        """The status and body of a request made by curl."""
        out = subprocess.run(
            ["curl", "-sk", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {token}", *flags,
             self.url + path], capture_output=True, text=True, check=True).stdout
        body, status = out.rsplit("\n", 1)
        return int(status), body

    def get(self, path):
        status, body = self.curl(path)
        assert status == 200, body
        return json.loads(body)


class Kubectl:
    def __init__(self, program, plane):
        self.program, self.plane = program, plane

    def run(self, *words, stdin=None):
        return subprocess.run(
            [self.program, "--kubeconfig", self.plane.kubeconfig, *words], input=stdin,
            capture_output=True, text=True, timeout=120)

    def __call__(self, *words, stdin=None):
        """Standard output of a call that succeeds."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words):
        return json.loads(self(*words, "-o", "json"))


def eventually(check, seconds=60):
    """Calls `check` until it returns something true; its last failure is the test's."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = check()
            if found:
                return found
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    plane = ControlPlane(tmp_path_factory.mktemp("plane"), "--simulated-nodes", "3").start()
    yield plane
    assert plane.stop() == 0, "SIGTERM is a clean end"


@pytest.fixture(params=list(KUBECTLS))
def kubectl(request, plane, tmp_path):
    program = KUBECTLS[request.param]
    if not program.exists():
        pytest.skip(f"kubectl {request.param} could not be fetched")
    return Kubectl(program, plane)


@pytest.fixture
def namespace(kubectl, request):
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:50]
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
