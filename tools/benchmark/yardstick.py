"""How fast this machine is, by a program that is neither Martlet nor what it is compared with."""
import os
import re
import subprocess
import time

from process import Process
from server import POLL_SECONDS, START_SECONDS_MAX, can_connect, free_port

#: Answers a second on the machine where kube-apiserver's figures were taken, which has two cores.
REFERENCE_PER_S = 147_000
ANSWER_BYTES = 2048
REQUESTS = 100_000


def measure(work):
    """nghttpd serves a file of 2 KB over TLS, to h2load on the same cores."""
    folder = os.path.join(work, "yardstick")
    os.makedirs(folder)
    with open(os.path.join(folder, "file"), "wb") as file:
        file.write(b"x" * ANSWER_BYTES)
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
    port = free_port()
    server = subprocess.Popen(["nghttpd", "-a", "127.0.0.1", "-d", folder, str(port), key,
                               certificate], stdout=subprocess.DEVNULL)
    try:
        began = time.monotonic()
        while not can_connect(port):
            if server.poll() is not None or time.monotonic() - began > START_SECONDS_MAX:
                raise SystemExit("nghttpd did not start, so the machine cannot be calibrated")
            time.sleep(POLL_SECONDS)
        before = Process(server.pid).cpu_s
        said = subprocess.run(
            ["h2load", "-n", str(REQUESTS), "-c", "4", "-m", "16", "-t", "1",
             f"https://127.0.0.1:{port}/file"], capture_output=True, text=True, check=True).stdout
        cpu_us = (Process(server.pid).cpu_s - before) * 1e6 / REQUESTS
    finally:
        server.terminate()
        server.wait()
    if f"status codes: {REQUESTS} 2xx" not in said:
        raise SystemExit(f"nghttpd failed, so the machine cannot be calibrated:\n{said}")
    per_s = float(re.search(r"finished in [^,]+, ([\d.]+) req/s", said).group(1))
    return {"per_s": round(per_s), "cpu_us": round(cpu_us, 2),
            "cores": len(os.sched_getaffinity(0)), "load": round(os.getloadavg()[0], 1)}


def sentence(figures):
    return (f"This machine: {figures['cores']} cores, load average {figures['load']} at the start; "
            f"nghttpd serves 2 KB over TLS {figures['per_s']:,} times a second to h2load on the "
            f"same cores, for {figures['cpu_us']} us of CPU each, {REFERENCE_PER_S:,} times on the "
            "machine where kube-apiserver's figures were taken.")
