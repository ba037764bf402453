"""A control plane that a test starts, asks, stops and kills. Needs Python's own library only.

MARTLET_BIN is the folder with the built programs.
"""
import json
import os
import pathlib
import re
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("MARTLET_BIN", ROOT / ".build/debug"))
TOKENS = """admin-token,admin,1,"system:masters"
nobody-token,nobody,2,"visitors"
"""


class ControlPlane:
    """A running martlet on a data directory of its own."""

    def __init__(self, folder, *flags):
        self.folder, self.flags, self.process = folder, flags, None
        self.environment = {}
        self.tokens = folder / "tokens.csv"
        self.tokens.write_text(TOKENS)
        self.data = folder / "data"

    def start(self):
        """Returns when it says that it is ready."""
        self.launch()
        line = self.process.stdout.readline()
        match = re.match(r"ready (\S+) kubeconfig=(\S+) after ([\d.]+) s$", line.strip())
        assert match, f"said {line!r}; errors: {(self.folder / 'stderr.txt').read_text()[-2000:]}"
        self.url, self.kubeconfig, seconds = match.groups()
        self.ready_seconds = float(seconds)
        return self

    def start_and_kill(self, after_seconds):
        """Starts it and kills it, most likely before it is ready."""
        self.launch()
        try:
            status = self.process.wait(after_seconds)
            raise AssertionError(f"ended with {status}: {(self.folder / 'stderr.txt').read_text()[-2000:]}")
        except subprocess.TimeoutExpired:
            self.kill()

    def launch(self):
        with open(self.folder / "stderr.txt", "ab") as errors:
            self.process = subprocess.Popen(
                [BIN / "martlet", "serve", "--data-dir", self.data,
                 *(() if "--listen" in self.flags else ("--listen", "127.0.0.1:0")),
                 "--token-auth-file", self.tokens, *self.flags],
                stdout=subprocess.PIPE, stderr=errors, text=True,
                env={**os.environ, **self.environment})

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self):
        """As kill -9 and the kernel's out-of-memory killer do it."""
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
