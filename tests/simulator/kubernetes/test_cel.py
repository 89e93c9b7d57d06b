"""Rules of custom resources, as tables of schema, value and answer."""

import pytest

from simulator.kubernetes import cel
from simulator.kubernetes.cel import MAX_EVALUATIONS, violations

STRING = {"type": "string"}
INTEGER = {"type": "integer"}


def ruled(rule, schema=None, **more):
    schema = schema or {"type": "object"}
    return {**schema, "x-kubernetes-validations": [{"rule": rule, **more}]}


def struct(**properties):
    return {"type": "object", "properties": properties}


def holds(rule, value, old=None, schema=None):
    return violations(ruled(rule, schema), value, old) == []


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("self.a > 1", {"a": 2}),
        ("has(self.a) != has(self.b)", {"a": 1}),
        ("self.a.all(x, x.startsWith('x'))", {"a": ["x1", "x2"]}),
        ("self.a.exists_one(x, x == 1)", {"a": [1, 2]}),
        ("self.m.all(k, size(k) < 3 && self.m[k] > 0)", {"m": {"ab": 1}}),
        ("self.?a.orValue('none') == 'none'", {}),
        ("self.a.lowerAscii() == 'x' && self.a.indexOf('X') == 0", {"a": "X"}),
        ("double(self.a) <= 1.0", {"a": "0.5"}),
        ("math.greatest(self.a) == 3", {"a": [1, 3]}),
        ("self.a__dash__b == 1 && has(self.a__dash__b)", {"a-b": 1}),
        ("self.__namespace__ == 'x'", {"namespace": "x"}),
        ("self.a__underscores__b == 1", {"a__b": 1}),
        ("self.x__dot__y__slash__z == 1", {"x.y/z": 1}),
        ("self.a.find('[0-9]+') == '12'", {"a": "ab12"}),
        ("self.a.findAll('[0-9]') == ['1', '2']", {"a": "a1b2"}),
        ("self.a.findAll('[0-9]', 1) == ['1']", {"a": "a1b2"}),
        ("isURL(self.a) && url(self.a).getHost() == 'x:80'", {"a": "https://x:80/y?q"}),
        ("url(self.a).getHostname() == 'x' && url(self.a).getPort() == '80'", {"a": "h://x:80"}),
        (
            "url(self.a).getScheme() == 'h' && url(self.a).getEscapedPath() == '/y'",
            {"a": "h://x/y"},
        ),
        ("!isURL(self.a)", {"a": "x y"}),
        ("quantity(self.a).isGreaterThan(quantity('500Mi'))", {"a": "1Gi"}),
        ("quantity(self.a) == quantity('1024Mi')", {"a": "1Gi"}),
        ("quantity(self.a).add(quantity('1')).compareTo(quantity('1500m')) == 0", {"a": "500m"}),
        ("isQuantity(self.a) && !isQuantity('1 Gi')", {"a": "1Gi"}),
        ("quantity(self.a).asInteger() == 2 && quantity(self.a).sign() == 1", {"a": "2"}),
        ("self.a.isSorted() && self.a.sum() == 6 && self.a.max() == 3", {"a": [1, 2, 3]}),
        ("sets.contains(self.a, ['x']) && !sets.intersects(self.a, ['z'])", {"a": ["x", "y"]}),
        ("isIP(self.a) && ip(self.a).family() == 4", {"a": "10.0.0.1"}),
        ("cidr(self.a).containsIP('10.1.2.3') && !isCIDR('10.0.0.1')", {"a": "10.0.0.0/8"}),
    ],
)
def test_rules_in_the_language_of_kubernetes(rule, value):
    assert violations(ruled(rule), value) == []


@pytest.mark.parametrize(
    ("schema", "rule", "value"),
    [
        (struct(a={"type": "number"}), "self.a * 2.0 == 4.0", {"a": 2}),
        (
            struct(a={**STRING, "format": "date-time"}),
            "self.a > timestamp('2026-01-01T00:00:00Z') && self.a.getFullYear() == 2026",
            {"a": "2026-11-01T12:00:00+02:00"},
        ),
        (
            struct(a={**STRING, "format": "duration"}),
            "self.a == duration('90m')",
            {"a": "1h30m"},
        ),
        (
            struct(a={"type": "array", "items": {"type": "number"}}),
            "self.a.all(x, x < 1.5)",
            {"a": [1, 0.5]},
        ),
    ],
)
def test_the_schema_decides_the_type_a_value_has_in_rules(schema, rule, value):
    assert holds(rule, value, schema=schema)


def test_a_violation_tells_its_rule():
    (cause,) = violations(ruled("self.a > 1"), {"a": 1})
    assert cause.reason == "FieldValueInvalid"
    assert cause.field == "<nil>"
    assert cause.message == "Invalid value: failed rule: self.a > 1"


def test_rules_apply_at_every_level_with_the_path_of_their_value():
    item = ruled("double(self.strength) <= 1.0", struct(strength=STRING), message="at most 1")
    schema = struct(
        inference=struct(adapters={"type": "array", "items": item}),
        labels={"type": "object", "additionalProperties": ruled("size(self) < 3", STRING)},
    )
    value = {
        "inference": {"adapters": [{"strength": "0.5"}, {"strength": "1.5"}]},
        "labels": {"ok": "x", "bad": "long"},
    }
    assert [(cause.field, cause.message) for cause in violations(schema, value)] == [
        ("inference.adapters[1]", "Invalid value: at most 1"),
        ("labels.bad", 'Invalid value: "long": failed rule: size(self) < 3'),
    ]


def test_a_rule_may_point_at_a_field_and_give_a_reason():
    schema = struct(
        spec=ruled("false", fieldPath=".preset.name", reason="FieldValueForbidden", message="no")
    )
    (cause,) = violations(schema, {"spec": {}})
    assert (cause.reason, cause.field, cause.message) == (
        "FieldValueForbidden",
        "spec.preset.name",
        "Forbidden: no",
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'got ' + string(self.a)", "got 3"),
        ("self.missing", "stated"),
        ("''", "stated"),
        ("'two\\nlines'", "stated"),
    ],
)
def test_a_message_expression_wins_where_it_gives_a_line(expression, message):
    schema = ruled("self.a < 3", messageExpression=expression, message="stated")
    (cause,) = violations(schema, {"a": 3})
    assert cause.message == f"Invalid value: {message}"


IMMUTABLE = "self == oldSelf"


def test_transition_rules_apply_to_updates_only():
    schema = struct(sku=ruled(IMMUTABLE, STRING))
    assert violations(schema, {"sku": "b"}) == []
    assert violations(schema, {"sku": "b"}, {}) == []
    (cause,) = violations(schema, {"sku": "b"}, {"sku": "a"})
    assert cause.message == 'Invalid value: "b": failed rule: self == oldSelf'


def test_items_of_list_maps_meet_their_old_selves():
    schema = struct(
        a={
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": ruled("self.n >= oldSelf.n", struct(name=STRING, n=INTEGER)),
        }
    )
    old = {"a": [{"name": "x", "n": 1}, {"name": "y", "n": 5}]}
    new = {"a": [{"name": "new", "n": 0}, {"name": "y", "n": 4}, {"name": "x", "n": 2}]}
    assert [cause.field for cause in violations(schema, new, old)] == ["a[1]"]


@pytest.mark.parametrize(
    ("new", "old", "field"),
    [({}, {}, []), ({"a": 1}, {}, ["<nil>"]), ({"a": 1}, {"a": 1}, []), ({}, {"a": 1}, ["<nil>"])],
)
def test_optional_old_self_sees_creates_too(new, old, field):
    rule = "!oldSelf.hasValue() || has(oldSelf.value().a) == has(self.a)"
    schema = ruled(rule, optionalOldSelf=True)
    assert [cause.field for cause in violations(schema, new, old)] == field
    assert violations(schema, new) == []


def test_a_rule_that_names_old_self_in_a_text_is_no_transition_rule():
    assert not holds("self.a != 'oldSelf'", {"a": "oldSelf"})


def test_unchanged_values_are_not_judged_again():
    schema = struct(a=ruled("self > 10", INTEGER), b=INTEGER)
    assert violations(schema, {"a": 1, "b": 2}, {"a": 1, "b": 1}) == []
    assert violations(schema, {"a": 2, "b": 1}, {"a": 1, "b": 1}) != []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("self.nothing == 1", "no such key: nothing evaluating rule: stated"),
        ("self.a > 'x'", "No matching overloads found"),
        ("1 / (self.a - 1) > 0", "divide by zero"),
        ("quantity('x') == quantity('1')", "'x' is not a quantity"),
        ("'a'.find('(') == ''", "regular expression '(' does not compile"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_a_cause_that_says_why(rule, text):
    (cause,) = violations(ruled(rule, message="stated"), {"a": 1})
    assert text in cause.message


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"rule": "self.a >"}, "Syntax error"),
        ({"rule": "size(self)"}, "must evaluate to bool"),
        ({"rule": "nobody == 1"}, "undeclared reference to 'nobody'"),
        ({"rule": "true", "messageExpression": "1 + 1"}, "must evaluate to string"),
        ({"rule": "self == '" + "x" * 20_000 + "'"}, "longer than 16384 characters"),
        ({"rule": ""}, "rule is required"),
        ({}, "rule is required"),
    ],
)
def test_faulty_rules_are_found_before_they_meet_a_value(rule, fault):
    assert fault in cel.faults(rule)[0]


def test_sound_rules_have_no_faults():
    assert cel.faults({"rule": "self.a > 0", "messageExpression": "'x' + string(self.a)"}) == []
    assert cel.faults({"rule": "oldSelf.hasValue()", "optionalOldSelf": True}) == []


@pytest.mark.timeout(5)
def test_a_rule_that_loops_in_loops_is_cut_off():
    value = {"l": list(range(1000))}
    loops = "self.l.all(x, self.l.all(y, self.l.all(z, x + y + z >= 0)))"
    (cause,) = violations(ruled(loops), value)
    assert "Iteration budget exceeded" in cause.message


@pytest.mark.timeout(20)
def test_rules_on_too_many_values_run_out_of_budget():
    schema = struct(a={"type": "array", "items": ruled("self >= 0", INTEGER)})
    assert violations(schema, {"a": [1] * MAX_EVALUATIONS}) == []
    (cause,) = violations(schema, {"a": [1] * (MAX_EVALUATIONS + 1)})
    assert "running out of cost budget" in cause.message
