"""martlet-wire, as people call it: files and pipes, one object and several, and what is not well."""
import subprocess

import pytest

from plane import BIN, ROOT

DEMO = ROOT / "docs/demo/three-tiers.yaml"
POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"


def wire(*words, stdin=b""):
    return subprocess.run([BIN / "martlet-wire", *words], input=stdin, capture_output=True, timeout=60)


def out(*words, stdin=b""):
    done = wire(*words, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def test_several_documents_come_back_the_same_through_files_and_pipes(tmp_path):
    many = out("encode", "-f", DEMO)
    assert out("encode", stdin=out("decode", "--yaml", stdin=many)) == many
    assert out("encode", stdin=out("decode", "--json", stdin=many)) == many
    packed = tmp_path / "many.gz"
    assert out("encode", "--gzip", "-f", DEMO, "-o", packed) == b""
    assert packed.read_bytes()[:2] == b"\x1f\x8b"
    assert out("decode", "-f", packed) == out("decode", stdin=many)
    assert out("inspect", "-f", packed) == out("inspect", stdin=many)


def test_one_object_is_what_kubernetes_writes():
    pod = out("encode", stdin=POD)
    assert pod[:4] == b"k8s\0"
    lines = out("inspect", stdin=pod).decode().splitlines()
    assert lines[0] == "v1 Pod" and lines[-1].split() == ["19", "1", "name", "string", '"a"']


@pytest.mark.parametrize("command, stdin, code, said", [
    ("encode", b"", 65, "there is no document in it"),
    ("decode", b"", 65, "there is no object in it"),
    ("inspect", b"", 65, "there is no object in it"),
    ("encode", b"a: [", 65, "yaml: line 1: did not find expected node content"),
    ("encode", POD + b"---\nkind: Pod\n", 65, "document 2, line 5: "),
    ("encode", POD.replace(b"Pod", b"Pot"), 65, 'no kind "Pot" is known in "v1"'),
    ("decode", b"k8s\0\n\x63", 65, "object 1: "),
    ("decode", b"nonsense", 65, "byte 0: neither Kubernetes' protobuf"),
    ("decode", b"\x1f\x8b\x08nonsense", 65, "gzip"),
    ("encode -f /nowhere", b"", 66, "cannot read /nowhere: no such file or directory"),
    ("encode -f /", b"", 66, "cannot read /: is a directory"),
    ("encode -o /nowhere/a", POD, 73, "cannot write /nowhere/a: no such file or directory"),
    ("encode -o /dev/full", POD, 73, "cannot write /dev/full: no space left on device"),
])
def test_what_is_wrong_is_said_in_a_line(command, stdin, code, said):
    done = wire(*command.split(), stdin=stdin)
    assert done.returncode == code
    assert said in done.stderr.decode() and done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"martlet-wire: ")


def test_what_kubernetes_would_warn_of_is_told():
    done = wire("encode", stdin=POD + b"spec: {nodeNam: x}\n")
    assert done.returncode == 0 and done.stdout[:4] == b"k8s\0"
    assert b'document 1, line 1: warning: unknown field "spec.nodeNam"' in done.stderr
