"""The dashboard asks for what is really exported."""

import json
import re
from pathlib import Path

import pytest

from deploy import __file__ as deploy
from triton_models import chat_lm
from workloads.gateway.meter import Meter

FOLDER = Path(deploy).parent
DASHBOARD = json.loads((FOLDER / "grafana" / "serving.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """Of the gateway, the model in Triton, and Kubernetes itself."""
    gateway = {
        sample.name for family in Meter().registry.collect() for sample in family.samples
    } | {name + suffix for name in _gateway_families() for suffix in ("_total", "_bucket")}
    model = (Path(chat_lm.__file__).parent / "1" / "model.py").read_text()
    names = re.findall(r'(?:gauge|counter),\s+"(\w+)"', model)
    return gateway | {f"chat_lm_{name}" for name in names} | {"container_cpu_usage_seconds_total"}


def _gateway_families() -> set[str]:
    return {family.name for family in Meter().registry.collect()}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_panel_asks_for_metrics_that_are_exported(exported, expression):
    asked = re.findall(r"(\w+)\{", expression)
    assert asked
    assert set(asked) <= exported


def test_panels_do_not_overlap():
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
