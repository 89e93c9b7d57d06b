import pytest

from simulator.kubernetes import generate_built_in_schemas
from simulator.kubernetes.built_in_resources import BUILT_IN
from simulator.kubernetes.built_in_schemas import FILE, BuiltInSchemas
from simulator.kubernetes.status import Object

PODS = next(each for each in BUILT_IN if each.plural == "pods")


def test_the_file_is_fresh() -> None:
    """When this fails: ``python -m simulator.kubernetes.generate_built_in_schemas``."""
    schemas = generate_built_in_schemas.generate()
    assert FILE.read_text() == generate_built_in_schemas.text(schemas)


@pytest.mark.parametrize("resource", BUILT_IN, ids=lambda resource: resource.qualified_kind)
def test_every_kind_is_described(resource: object) -> None:
    assert BuiltInSchemas.load().of_resource(resource) is not None


def pod(**container: object) -> Object:
    head = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    return {**head, "spec": {"containers": [{"name": "c", **container}]}}


@pytest.mark.parametrize(
    ("container", "unknown", "mistyped"),
    [
        ({"image": "x", "resources": {"limits": {"cpu": 1}}}, [], 0),
        ({"livenessProbe": {"httpGet": {"port": "http"}}}, [], 0),
        ({"imagePullPolice": "Always"}, ["spec.containers[0].imagePullPolice"], 0),
        ({"env": [{"name": "a", "value": 1}]}, [], 1),
        ({"tty": "yes"}, [], 1),
        ({"ports": {"containerPort": 1}}, [], 1),
    ],
)
def test_fields_are_compared(container: Object, unknown: list[str], mistyped: int) -> None:
    found = BuiltInSchemas.load().problems(PODS, pod(**container))
    assert found.unknown == unknown
    assert len(found.mistyped) == mistyped
