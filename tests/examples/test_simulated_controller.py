"""The example that the documentation shows, run."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).parents[2] / "examples" / "simulated_controller.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulated_controller", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(5))
def test_every_namespace_is_greeted_whenever_the_controller_is_killed(example, seed):
    assert {"blue", "green", "red"} <= set(example.greeted(seed))


def test_a_controller_that_ends_at_the_first_refusal_is_caught(example, monkeypatch):
    async def once(core) -> None:
        for namespace in (await core.list_namespace()).items:
            body = example.V1ConfigMap(metadata=example.V1ObjectMeta(name="greeting"))
            await core.create_namespaced_config_map(namespace.metadata.name, body)

    monkeypatch.setattr(example, "controller", once)
    assert any("red" not in example.greeted(seed) for seed in range(5))
