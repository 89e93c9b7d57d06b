import pytest

from simulator.kubernetes.json_path import find, first, is_valid

VALUE = {
    "spec": {"n": 3, "a.b": "dotted", "list": [{"x": 1}, {"x": 2}]},
    "conditions": [
        {"type": "Ready", "status": "True", "since": 5},
        {"type": "Other", "status": "False", "since": 1},
    ],
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".spec.n", [3]),
        ("{.spec.n}", [3]),
        ("$.spec.n", [3]),
        (r".spec.a\.b", ["dotted"]),
        (".spec['a.b']", ["dotted"]),
        (".spec.list[1].x", [2]),
        (".spec.list[-1].x", [2]),
        (".spec.list[*].x", [1, 2]),
        (".spec.list[7].x", []),
        ('.conditions[?(@.type=="Ready")].status', ["True"]),
        (".conditions[?(@.type=='Other')].status", ["False"]),
        (".conditions[?(@.since>2)].type", ["Ready"]),
        (".conditions[?(@.missing)].type", []),
        ("..x", [1, 2]),
        (".none.deeper", []),
    ],
)
def test_paths(path: str, expected: list[object]) -> None:
    assert find(path, VALUE) == expected
    assert first(path, VALUE) == (expected[0] if expected else None)


@pytest.mark.parametrize("path", [".a[", "a b", ".a[?(x)]", ".a[x]"])
def test_what_is_no_path(path: str) -> None:
    assert not is_valid(path)
