import pytest

from simulator.kubernetes.built_in_resources import BUILT_IN
from simulator.kubernetes.selectors import field_predicate, label_predicate
from simulator.kubernetes.status import ApiError, Object

PODS = next(each for each in BUILT_IN if each.plural == "pods")


def labelled(**labels: str) -> Object:
    return {"metadata": {"name": "a", "labels": labels}}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("a=1", True),
        ("a==1", True),
        ("a!=1", False),
        ("a!=2,b=x", True),
        ("c!=1", True),
        ("a in (1, 2)", True),
        ("a notin (1,2)", False),
        ("c notin (1)", True),
        ("a", True),
        ("!a", False),
        ("! c", True),
        ("n>3", True),
        ("n<3", False),
        ("example.org/k=v", False),
        ("a=1,", True),
    ],
)
def test_label_selectors(selector: str, *, expected: bool) -> None:
    matches = label_predicate(selector)
    assert matches is not None
    assert matches(labelled(a="1", b="x", n="5")) is expected


@pytest.mark.parametrize("selector", ["a=b=c", "a in", "a in (b", "=b", "a=no spaces", "a=(x)"])
def test_malformed_label_selectors(selector: str) -> None:
    with pytest.raises(ApiError) as raised:
        label_predicate(selector)
    assert raised.value.code == 400


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("spec.nodeName=n", True),
        ("spec.nodeName!=n", False),
        ("status.phase!=Running,metadata.name=a", True),
        ("status.phase=", True),
        ("spec.hostNetwork=true", True),
    ],
)
def test_field_selectors(selector: str, *, expected: bool) -> None:
    matches = field_predicate(selector, PODS)
    assert matches is not None
    pod = {"metadata": {"name": "a"}, "spec": {"nodeName": "n", "hostNetwork": True}}
    assert matches(pod) is expected


@pytest.mark.parametrize("selector", ["spec.other=1", "nonsense"])
def test_unsupported_field_selectors(selector: str) -> None:
    with pytest.raises(ApiError):
        field_predicate(selector, PODS)


def test_an_empty_selector_chooses_everything() -> None:
    assert label_predicate("") is None
    assert field_predicate("", PODS) is None
