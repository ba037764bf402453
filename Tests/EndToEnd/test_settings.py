"""What martlet serve says of settings that it cannot use, and where it can be reached."""
import subprocess

import pytest

from plane import BIN, ControlPlane


def serve(*flags):
    return subprocess.run([BIN / "martlet", "serve", *flags], capture_output=True, text=True, timeout=60)


def make_key_and_certificate(folder, name):
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return key, certificate


@pytest.mark.parametrize("flag, value, said", [
    ("--listen", "nonsense", 'takes ADDRESS:PORT, not "nonsense"'),
    ("--listen", "127.0.0.1:99999", "takes ADDRESS:PORT"),
    ("--listen", "192.0.2.1:0", "192.0.2.1:0 cannot be had: Cannot assign requested address"),
    ("--listen", "nowhere.invalid:0", "nowhere.invalid:0 cannot be had: There is no such address"),
    ("--data-dir", "/proc/data", "cannot make directory /proc/data"),
    ("--data-dir", "/dev/null", "cannot make directory /dev/null"),
    ("--simulated-nodes", "10001", "takes 0 to 10000"),
    ("--plugin-dir", "/nowhere", "/nowhere: there is no such directory"),
    ("--disable", "kitchen", 'knows controllers, scheduler and cloud, not "kitchen"'),
    ("--token-auth-file", "/nowhere", "/nowhere: cannot read /nowhere: No such file or directory"),
    ("--token-auth-file", "JUNK", "token file, line 1: at least 3 columns"),
    ("--client-ca-file", "JUNK", "no PEM certificate"),
    ("--service-account-key-file", "JUNK", "no PEM key"),
    ("--tls-cert-file", "JUNK", "and --tls-private-key-file go together"),
    ("--service-cluster-ip-range", "10.0.0.0/33", "takes an IPv4 range"),
    ("--authorization-mode", "ABAC", 'not "ABAC"'),
    ("--log-format", "xml", "takes text or json"),
])
def test_what_cannot_be_used_is_said_in_a_line_that_names_the_flag(tmp_path, flag, value, said):
    junk = tmp_path / "junk"
    junk.write_text("junk\n")
    place = [] if flag == "--data-dir" else ["--data-dir", tmp_path / "data"]
    port = [] if flag == "--listen" else ["--listen", "127.0.0.1:0"]
    done = serve(*place, *port, f"{flag}={str(junk) if value == 'JUNK' else value}")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith(f"{flag} ") and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_certificate_and_a_key_must_belong_together(tmp_path):
    (_, one), (other, _) = make_key_and_certificate(tmp_path, "one"), make_key_and_certificate(tmp_path, "other")
    done = serve("--data-dir", tmp_path / "data", "--listen", "127.0.0.1:0", "--tls-cert-file", one,
                 "--tls-private-key-file", other)
    assert done.returncode == 64
    assert done.stderr == "--tls-private-key-file is not the key of --tls-cert-file\n"


def test_a_port_in_use_and_a_flag_that_is_none(plane, tmp_path):
    address = plane.url.removeprefix("https://")
    done = serve("--data-dir", tmp_path, "--listen", address)
    assert (done.returncode, done.stderr) == (64, f"--listen {address} cannot be had: Address already in use\n")
    done = serve("--authorization-mode", "", "--data-dir", tmp_path, "--listen", "127.0.0.1:0")
    assert (done.returncode, done.stderr) == (64, "--authorization-mode takes at least one mode\n")
    done = serve("--nope")
    assert done.returncode == 64 and "Unknown option '--nope'" in done.stderr


def test_sigterm_ends_it_cleanly_as_soon_as_it_is_ready(tmp_path):
    for _ in range(5):
        assert ControlPlane(tmp_path, "--simulated-nodes", "3").start().stop() == 0


@pytest.mark.parametrize("listen, reached", [
    ("0.0.0.0:0", "https://127.0.0.1:"), ("[::]:0", "https://[::1]:"), ("127.0.0.2:0", "https://127.0.0.2:"),
])
def test_the_kubeconfig_works_wherever_the_server_listens(kubectl, tmp_path, listen, reached):
    # First on the usual address: the certificate must follow when the server moves.
    plane = ControlPlane(tmp_path, "--disable", "controllers,scheduler").start()
    assert plane.stop() == 0
    plane = ControlPlane(tmp_path, "--disable", "controllers,scheduler", "--listen", listen).start()
    assert plane.url.startswith(reached)
    got = subprocess.run([kubectl.program, "--kubeconfig", plane.kubeconfig, "get", "ns", "-o", "name"],
                         capture_output=True, text=True, timeout=60)
    assert "namespace/default" in got.stdout, got.stderr
    assert plane.stop() == 0
