import pytest

from simulator.kubelet.environment import ConfigError, expand, resolve_environment

POD = {
    "metadata": {
        "name": "p",
        "namespace": "default",
        "uid": "u",
        "labels": {"app": "web", "tier": "one"},
        "annotations": {"note": "n"},
    },
    "spec": {"nodeName": "node", "containers": []},
    "status": {"podIP": "127.65.0.1", "podIPs": [{"ip": "127.65.0.1"}], "hostIP": "127.0.0.1"},
}
OBJECTS = {
    ("ConfigMap", "settings"): {"data": {"a": "1", "b": "2"}},
    ("Secret", "keys"): {"data": {"token": "czNjcmV0"}},
}


def find(kind, name):
    return OBJECTS.get((kind, name))


def resolve(*env, **fields):
    return resolve_environment(POD, {"name": "c", "env": list(env), **fields}, find)


def field(path):
    return {"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['tier']", "one"),
        ("metadata.labels", 'app="web"\ntier="one"'),
        ("metadata.annotations['missing']", ""),
        ("spec.nodeName", "node"),
        ("status.podIP", "127.65.0.1"),
        ("status.podIPs", "127.65.0.1"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_downward_api(path, value):
    assert resolve(field(path)) == {"V": value}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)/$(B)", "1/2"),
        ("$$(A)", "$(A)"),
        ("$(UNKNOWN) $A ${A} $", "$(UNKNOWN) $A ${A} $"),
        ("$$$(A)", "$1"),
    ],
)
def test_expansion(text, expanded):
    assert expand(text, {"A": "1", "B": "2"}) == expanded


def test_values_expand_only_what_was_defined_before():
    env = [
        {"name": "A", "value": "$(B)"},
        {"name": "B", "value": "b"},
        {"name": "C", "value": "$(B)"},
    ]
    assert resolve(*env) == {"A": "$(B)", "B": "b", "C": "b"}


def test_env_wins_over_env_from_and_prefixes_are_added():
    sources = [
        {"configMapRef": {"name": "settings"}},
        {"prefix": "K_", "secretRef": {"name": "keys"}},
    ]
    resolved = resolve({"name": "b", "value": "own"}, envFrom=sources)
    assert resolved == {"a": "1", "b": "own", "K_token": "s3cret"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "a"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "none", "key": "a"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "keys", "key": "a"}}, "couldn't find key a in Secret keys"),
        ({"fieldRef": {"fieldPath": "spec.nothing"}}, "field path 'spec.nothing'"),
    ],
)
def test_what_is_missing_is_named(source, message):
    with pytest.raises(ConfigError, match=message):
        resolve({"name": "V", "valueFrom": source})


@pytest.mark.parametrize("name", ["none", "settings"])
def test_optional_references_may_be_missing(name):
    source = {"configMapKeyRef": {"name": name, "key": "missing", "optional": True}}
    assert resolve({"name": "V", "valueFrom": source}) == {}


def test_resource_fields_are_in_units_of_their_divisor():
    limits = {"resources": {"limits": {"memory": "1Gi", "cpu": "1500m"}}}

    def of(resource, divisor):
        reference = {"resource": resource, "divisor": divisor}
        return resolve({"name": "V", "valueFrom": {"resourceFieldRef": reference}}, **limits)["V"]

    assert of("limits.memory", "1Mi") == "1024"
    assert of("limits.cpu", "1") == "2"
    assert of("requests.cpu", "0") == "0"
