"""The objects that the benchmarks make: a pod of about 1 KB when it is stored, in two encodings."""
import json

PROTOBUF = "application/vnd.kubernetes.protobuf"

POD = {
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {
        "generateName": "load-", "namespace": "default",
        "labels": {"app": "load", "part": "front"},
        "annotations": {"example.com/purpose": "made to measure"},
    },
    "spec": {
        "automountServiceAccountToken": False,
        "containers": [{
            "name": "main", "image": "registry.example/front:2.7.1",
            "ports": [{"name": "http", "containerPort": 8080}],
            "env": [{"name": "ONE", "value": "1"}, {"name": "TWO", "value": "2"}],
            "resources": {"limits": {"cpu": "500m", "memory": "256Mi"},
                          "requests": {"cpu": "100m", "memory": "128Mi"}},
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        }],
        "tolerations": [{"key": "load", "operator": "Exists", "effect": "NoSchedule"}],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    },
}


def pod_json():
    return json.dumps(POD).encode()


def pod_protobuf():
    """POD as Kubernetes' protobuf; the numbers are those of proto/kubernetes."""
    return b"k8s\0" + field(1, strings({1: "v1", 2: "Pod"})) + field(2, metadata() + spec())


def metadata():
    said = POD["metadata"]
    return field(1, strings({2: said["generateName"], 3: said["namespace"]})
                 + string_map(11, said["labels"]) + string_map(12, said["annotations"]))


def spec():
    (toleration,), (volume,) = POD["spec"]["tolerations"], POD["spec"]["volumes"]
    return field(2, (
        field(1, strings({1: volume["name"]}) + field(2, field(2, b"")))
        + field(2, container(POD["spec"]["containers"][0]))
        + number(21, 0)
        + field(22, strings({1: toleration["key"], 2: toleration["operator"],
                             4: toleration["effect"]}))))


def container(said):
    (port,), (mount,) = said["ports"], said["volumeMounts"]
    variables = (strings({1: one["name"], 2: one["value"]}) for one in said["env"])
    return (strings({1: said["name"], 2: said["image"]})
            + field(6, strings({1: port["name"]}) + number(3, port["containerPort"]))
            + b"".join(field(7, one) for one in variables)
            + field(8, quantities(1, said["resources"]["limits"])
                    + quantities(2, said["resources"]["requests"]))
            + field(9, strings({1: mount["name"], 3: mount["mountPath"]})))


def quantities(tag, amounts):
    return b"".join(field(tag, strings({1: name}) + field(2, strings({1: amount})))
                    for name, amount in amounts.items())


def string_map(tag, entries):
    return b"".join(field(tag, strings({1: key, 2: value})) for key, value in entries.items())


def strings(fields):
    return b"".join(field(tag, text.encode()) for tag, text in fields.items())


def field(tag, content):
    return varint(tag << 3 | 2) + varint(len(content)) + content


def number(tag, value):
    return varint(tag << 3) + varint(value)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])
