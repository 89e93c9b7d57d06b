from decimal import Decimal

import pytest

from simulator.controllers.pod_resources import requests
from simulator.controllers.quantities import parse


def container(cpu, **fields):
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **fields}


def sidecar(cpu):
    return container(cpu, restartPolicy="Always")


@pytest.mark.parametrize(
    ("init_containers", "containers", "cpu"),
    [
        ([], [container(1), container("500m")], "1.5"),
        ([container(3), container(2)], [container(1)], "3"),
        ([container(1)], [container(2)], "2"),
        ([sidecar(1)], [container(2)], "3"),
        ([sidecar(1), sidecar(1), container(3)], [container(1)], "5"),
        ([container(3), sidecar(1)], [container(1)], "3"),
    ],
)
def test_init_containers_count_by_their_peak_and_sidecars_in_full(init_containers, containers, cpu):
    pod = {"spec": {"initContainers": init_containers, "containers": containers}}
    assert requests(pod)["cpu"] == Decimal(cpu)


def test_limits_stand_in_for_requests_and_overhead_is_added():
    resources = {"limits": {"nvidia.com/gpu": 2, "memory": "1Gi"}, "requests": {"memory": "512Mi"}}
    pod = {
        "spec": {
            "containers": [{"name": "c", "resources": resources}],
            "overhead": {"memory": "1Mi"},
        }
    }
    assert requests(pod) == {
        "nvidia.com/gpu": 2,
        "memory": 513 * 2**20,
        "pods": 1,
    }


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100m", "0.1"),
        ("2", "2"),
        (3, "3"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("16Gi", 16 * 2**30),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1e3", 1000),
        ("12E", 12 * 10**18),
        ("-1", -1),
    ],
)
def test_quantities_are_read_as_kubernetes_does(text, amount):
    assert parse(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "Gi", "1gi", "1 Gi", "1Zi", "one"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)
