"""What the tests with real clients share: a control plane, and how to call kubectl.

MARTLET_CLIENTS is the folder with the clients; tools/test sets it.
"""
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from plane import ROOT, ControlPlane

CLIENTS = pathlib.Path(os.environ.get("MARTLET_CLIENTS", ROOT / ".build/clients"))
KUBECTLS = {"1.20": CLIENTS / "kubectl-1.20/kubectl", "new": CLIENTS / "kubectl-new/kubectl"}


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
    """Calls `check` until it returns something true; its last failure is the test's.

    What it looks for in an object may not be there yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = check()
            if found:
                return found
        except (AssertionError, LookupError, TypeError):
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
