import pytest

from simulator.kubernetes import cel
from simulator.kubernetes.cel_reads import inputs, reads
from simulator.kubernetes.status import Object


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("self.a.b <= 1", {("self", ("a", "b"))}),
        ("has(self.a) == has(oldSelf.a)", {("self", ("a",)), ("oldSelf", ("a",))}),
        ("self.a.startsWith('x')", {("self", ("a",))}),
        ("self.all(x, x.self > 0)", {("self", ())}),
        ("self == oldSelf", {("self", ()), ("oldSelf", ())}),
        ("self.a[0].b == 1", {("self", ("a",))}),
        ("self[?'a'].orValue(1) == 1", {("self", ())}),
        ("self.?a.orValue(1) == 1", {("self", ())}),
        ("self.a__dash__b == self.c", {("self", ()), ("self", ("c",))}),
        ("[self].all(y, y.a > 0)", {("self", ())}),
        ("itself.a", set()),
    ],
)
def test_an_expression_reads_no_more_than_this(
    expression: str, expected: set[tuple[str, tuple[str, ...]]]
) -> None:
    assert set(reads(expression, ("self", "oldSelf"))) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ({"a": {"b": None}}, {"a": {}}),
        ({"a": {}}, {}),
        ({"a": {"b": 1}}, {"a": {"b": True}}),
        ({"a": {"b": 1}}, {"a": {"b": 1.0}}),
    ],
)
def test_what_may_change_the_outcome_changes_the_inputs(one: Object, other: Object) -> None:
    expression = "!has(self.a) || !has(self.a.b) || self.a.b == 1"
    assert inputs(expression, {"self": one}) != inputs(expression, {"self": other})


def test_what_an_expression_does_not_read_is_no_input() -> None:
    one, other = {"a": 1, "b": 1}, {"a": 1, "b": 2}
    assert inputs("self.a == 1", {"self": one}) == inputs("self.a == 1", {"self": other})


def test_a_rule_that_passed_still_fails_on_other_values() -> None:
    rule = {"rule": "self.count <= 3", "message": "too many"}
    count = {"type": "integer"}
    schema = {"type": "object", "properties": {"count": count}, cel.RULES: [rule]}
    told = [bool(cel.violations(schema, {"count": value})) for value in (1, 4, 1, 4)]
    assert told == [False, True, False, True]


def test_a_transition_rule_is_judged_by_both_values() -> None:
    rule = {"rule": "self.count >= oldSelf.count", "message": "may not shrink"}
    count = {"type": "integer"}
    schema = {"type": "object", "properties": {"count": count}, cel.RULES: [rule]}
    told = [
        bool(cel.violations(schema, {"count": 2, "n": old}, {"count": old})) for old in (1, 2, 3, 1)
    ]
    assert told == [False, False, True, False]
