"""Pruning, defaulting and validation of custom resources, as tables of schema, value and answer."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kubernetes.schema import apply_defaults, prune, validate

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
PRESERVE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def struct(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


def listing(items, **keywords):
    return {"type": "array", "items": items, **keywords}


def pruned(schema, value):
    value = copy.deepcopy(value)
    return prune(schema, value), value


def defaulted(schema, value):
    value = copy.deepcopy(value)
    apply_defaults(schema, value)
    return value


def told(schema, value, old=None):
    return [(cause.reason, cause.field, cause.message) for cause in validate(schema, value, old)]


def fields(schema, value, old=None):
    return [cause.field for cause in validate(schema, value, old)]


@pytest.mark.parametrize(
    ("schema", "value", "removed", "kept"),
    [
        (struct(a=STRING), {"a": "x", "b": 1}, ["b"], {"a": "x"}),
        (struct(a=struct(b=STRING)), {"a": {"b": "", "c": 1}}, ["a.c"], {"a": {"b": ""}}),
        (
            struct(a=listing(struct(b=STRING))),
            {"a": [{"b": ""}, {"c": 1}]},
            ["a[1].c"],
            {"a": [{"b": ""}, {}]},
        ),
        (struct(a=PRESERVE), {"a": {"x": {"y": 1}}}, [], {"a": {"x": {"y": 1}}}),
        (
            struct(a={**PRESERVE, "properties": {"known": struct(b=STRING)}}),
            {"a": {"x": 1, "known": {"c": 1}}},
            ["a.known.c"],
            {"a": {"x": 1, "known": {}}},
        ),
        (
            struct(a={"type": "object", "additionalProperties": struct(b=STRING)}),
            {"a": {"any": {"b": "", "c": 1}}},
            ["a.any.c"],
            {"a": {"any": {"b": ""}}},
        ),
        (
            struct(a={"type": "object", "additionalProperties": True}),
            {"a": {"any": {"c": 1}}},
            [],
            {"a": {"any": {"c": 1}}},
        ),
        (
            struct(),
            {"apiVersion": "v1", "kind": "K", "metadata": {"name": "n", "nmae": "typo"}},
            ["metadata.nmae"],
            {"apiVersion": "v1", "kind": "K", "metadata": {"name": "n"}},
        ),
        (
            struct(pod={**struct(), "x-kubernetes-embedded-resource": True}),
            {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}}},
            ["pod.spec"],
            {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {}}},
        ),
        (struct(a=struct()), {"a": {"kind": "not a resource"}}, ["a.kind"], {"a": {}}),
    ],
)
def test_pruning_removes_what_the_schema_does_not_know(schema, value, removed, kept):
    assert pruned(schema, value) == (removed, kept)


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        (struct(a={**INTEGER, "default": 1}), {}, {"a": 1}),
        (struct(a={**INTEGER, "default": 1}), {"a": 5}, {"a": 5}),
        (struct(a={**INTEGER, "default": 1}), {"a": None}, {"a": 1}),
        (struct(a={**INTEGER, "default": 1, "nullable": True}), {"a": None}, {"a": None}),
        (struct(a=struct(b={**STRING, "default": "x"})), {}, {}),
        (struct(a=struct(b={**STRING, "default": "x"})), {"a": {}}, {"a": {"b": "x"}}),
        (
            struct(a={**struct(b={**STRING, "default": "x"}), "default": {}}),
            {},
            {"a": {"b": "x"}},
        ),
        (
            struct(a=listing(struct(b={**STRING, "default": "x"}))),
            {"a": [{}, {"b": "y"}]},
            {"a": [{"b": "x"}, {"b": "y"}]},
        ),
        (
            struct(
                a={"type": "object", "additionalProperties": struct(b={**STRING, "default": "x"})}
            ),
            {"a": {"k": {}}},
            {"a": {"k": {"b": "x"}}},
        ),
        (struct(a={**STRING, "default": ""}), {}, {"a": ""}),
    ],
)
def test_defaults_fill_what_is_missing_where_the_parent_is_there(schema, value, filled):
    assert defaulted(schema, value) == filled


def test_a_default_is_copied_into_each_object():
    schema = struct(a={**struct(), "default": {"b": []}})
    one = defaulted(schema, {})
    one["a"]["b"].append("changed")
    assert defaulted(schema, {}) == {"a": {"b": []}}


INVALID, MISSING, TYPE = "FieldValueInvalid", "FieldValueRequired", "FieldValueTypeInvalid"


@pytest.mark.parametrize(
    ("constraint", "value", "reason", "message"),
    [
        (
            INTEGER,
            "x",
            TYPE,
            'Invalid value: "string": a in body must be of type integer: "string"',
        ),
        (STRING, None, TYPE, 'Invalid value: "null": a in body must be of type string: "null"'),
        (
            INTEGER,
            1.5,
            TYPE,
            'Invalid value: "number": a in body must be of type integer: "number"',
        ),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            TYPE,
            'Invalid value: "boolean": a in body must be of type integer,string: "boolean"',
        ),
        (
            {**STRING, "enum": ["x", "y"]},
            "z",
            "FieldValueNotSupported",
            'Unsupported value: "z": supported values: "x", "y"',
        ),
        (
            {**STRING, "pattern": "^a+$"},
            "b",
            INVALID,
            "Invalid value: \"b\": a in body should match '^a+$'",
        ),
        (
            {**INTEGER, "minimum": 1},
            0,
            INVALID,
            "Invalid value: 0: a in body should be greater than or equal to 1",
        ),
        (
            {**INTEGER, "minimum": 1, "exclusiveMinimum": True},
            1,
            INVALID,
            "Invalid value: 1: a in body should be greater than 1",
        ),
        (
            {**INTEGER, "maximum": 3},
            4,
            INVALID,
            "Invalid value: 4: a in body should be less than or equal to 3",
        ),
        (
            {"type": "number", "maximum": 3, "exclusiveMaximum": True},
            3,
            INVALID,
            "Invalid value: 3: a in body should be less than 3",
        ),
        (
            {"type": "number", "multipleOf": 0.1},
            0.25,
            INVALID,
            "Invalid value: 0.25: a in body should be a multiple of 0.1",
        ),
        (
            {**STRING, "minLength": 2},
            "é",
            INVALID,
            'Invalid value: "é": a in body should be at least 2 chars long',
        ),
        (
            {**STRING, "maxLength": 2},
            "abc",
            "FieldValueTooLong",
            "Too long: may not be more than 2 bytes",
        ),
        (
            {**STRING, "format": "date-time"},
            "yesterday",
            INVALID,
            'Invalid value: "yesterday": a in body must be of type date-time: "yesterday"',
        ),
        (
            listing(STRING, minItems=1),
            [],
            INVALID,
            "Invalid value: 0: a in body should have at least 1 items",
        ),
        (
            listing(STRING, maxItems=1),
            ["x", "y"],
            "FieldValueTooMany",
            "Too many: 2: must have at most 1 items",
        ),
        (
            {**PRESERVE, "minProperties": 1},
            {},
            INVALID,
            "Invalid value: 0: a in body should have at least 1 properties",
        ),
        (
            {**PRESERVE, "maxProperties": 0},
            {"x": 1},
            "FieldValueTooMany",
            "Too many: 1: must have at most 0 items",
        ),
        (
            {"anyOf": [{"minimum": 5}, {"maximum": 1}]},
            3,
            INVALID,
            'Invalid value: "": "a" must validate at least one schema (anyOf)',
        ),
        (
            {"oneOf": [{"minimum": 1}, {"maximum": 5}]},
            3,
            INVALID,
            (
                'Invalid value: "": "a" must validate one and only one schema (oneOf).'
                " Found 2 valid alternatives"
            ),
        ),
        (
            {"oneOf": [{"minimum": 5}, {"maximum": 1}]},
            3,
            INVALID,
            (
                'Invalid value: "": "a" must validate one and only one schema (oneOf).'
                " Found none valid"
            ),
        ),
        (
            {"not": {"enum": [3]}},
            3,
            INVALID,
            'Invalid value: "": "a" must not validate the schema (not)',
        ),
        (
            {"allOf": [{"minimum": 5}]},
            3,
            INVALID,
            "Invalid value: 3: a in body should be greater than or equal to 5",
        ),
    ],
)
def test_each_keyword_tells_what_it_wants(constraint, value, reason, message):
    assert (reason, "a", message) in told(struct(a=constraint), {"a": value})


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        (INTEGER, 2.0),
        ({"type": "number"}, 2),
        ({**STRING, "nullable": True}, None),
        ({**STRING, "nullable": True, "enum": ["x"]}, None),
        ({"x-kubernetes-int-or-string": True}, "50%"),
        ({**STRING, "pattern": "a"}, "banana"),
        ({**STRING, "maxLength": 3}, "été"),
        ({"anyOf": [{"minimum": 5}, {"maximum": 3}]}, 3),
        ({**STRING, "format": "date-time"}, "2026-11-01T12:00:00.123+02:00"),
        ({**STRING, "format": "no-such-format"}, "anything"),
        (PRESERVE, {"x": [1, {}]}),
    ],
)
def test_what_meets_the_keyword_passes(constraint, value):
    assert told(struct(a=constraint), {"a": value}) == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("byte", "YQ==", "YQ"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("date", "2026-11-01", "2026-13-01"),
        ("date-time", "2026-11-01T00:00:00Z", "2026-11-01"),
        ("duration", "1h30m", "soon"),
        ("email", "a@b.c", "a.b.c"),
        ("hostname", "node-1.local", "-node"),
        ("int32", 2**31 - 1, 2**31),
        ("int64", -(2**63), 2**63),
        ("ipv4", "127.0.0.1", "::1"),
        ("ipv6", "::1", "127.0.0.1"),
        ("mac", "01:23:45:67:89:ab", "01:23"),
        ("uri", "https://x/y", "x y"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
    ],
)
def test_formats(name, good, bad):
    schema = struct(a={"format": name})
    assert fields(schema, {"a": good}) == []
    assert fields(schema, {"a": bad}) == ["a"]


def test_all_faults_are_told_at_once_with_their_paths():
    adapter = struct(required=["source"], source=STRING, strength=STRING)
    schema = struct(inference=struct(adapters=listing(adapter)), count=INTEGER)
    value = {"inference": {"adapters": [{"strength": 1}]}, "count": "many"}
    assert fields(schema, value) == [
        "inference.adapters[0].source",
        "inference.adapters[0].strength",
        "count",
        "<nil>",
    ]


def test_an_embedded_resource_says_what_it_is():
    schema = struct(pod={**PRESERVE, "x-kubernetes-embedded-resource": True})
    assert fields(schema, {"pod": {"kind": "Pod"}})[0] == "pod.apiVersion"
    assert fields(schema, {"pod": {"apiVersion": "v1", "kind": "Pod"}}) == []


def test_rules_are_left_out_where_types_are_wrong_and_the_answer_says_so():
    schema = struct(a=INTEGER) | {"x-kubernetes-validations": [{"rule": "self.a > 0"}]}
    assert told(schema, {"a": "x"})[-1][2].startswith(
        "Invalid value: null: some validation rules were not checked"
    )


def test_a_missing_field_is_a_cause_at_its_own_path():
    assert told(struct(required=["a"]), {})[0] == (MISSING, "a", "Required value")


LIST_MAP = listing(
    struct(name=STRING, n=INTEGER),
    **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
)


def test_items_of_list_maps_are_unique_by_their_keys():
    value = {"a": [{"name": "x", "n": 1}, {"name": "y"}, {"name": "x", "n": 2}]}
    assert told(struct(a=LIST_MAP), value) == [
        ("FieldValueDuplicate", "a[2]", 'Duplicate value: {"name":"x"}')
    ]


def test_items_of_sets_are_unique():
    schema = struct(a=listing(STRING, **{"x-kubernetes-list-type": "set"}))
    assert fields(schema, {"a": ["x", "y", "x"]}) == ["a[2]"]


def test_an_update_is_not_blamed_for_what_it_leaves_alone():
    schema = struct(a={**INTEGER, "minimum": 1}, b=STRING)
    old = {"a": 0, "b": "x"}
    assert fields(schema, {"a": 0, "b": "y"}, old) == []
    assert fields(schema, {"a": -1, "b": "x"}, old) == ["a"]


def test_an_unchanged_list_map_item_is_not_blamed_wherever_it_stands():
    schema = struct(a={**LIST_MAP, "items": struct(name=STRING, n={**INTEGER, "minimum": 1})})
    old = {"a": [{"name": "bad", "n": 0}]}
    moved = {"a": [{"name": "good", "n": 1}, {"name": "bad", "n": 0}]}
    assert fields(schema, moved, old) == []


@pytest.mark.timeout(5)
def test_no_pattern_takes_exponential_time():
    assert fields(struct(a={**STRING, "pattern": "^(a+)+$"}), {"a": "a" * 50_000 + "b"}) == ["a"]


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from("abcx"), inner, max_size=3),
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from("abcx"), json_values, max_size=4)
schemas = st.recursive(
    st.sampled_from(
        [STRING, INTEGER, {**INTEGER, "default": 7}, {**STRING, "nullable": True}, PRESERVE]
    ),
    lambda inner: st.one_of(
        st.builds(listing, inner),
        st.builds(lambda fields: struct(**fields), st.dictionaries(st.sampled_from("abc"), inner)),
        st.builds(lambda item: {"type": "object", "additionalProperties": item}, inner),
    ),
    max_leaves=8,
).map(lambda schema: struct(a=schema, b={**schema, "nullable": True}))


@settings(deadline=None)
@given(schemas, objects)
def test_pruning_and_defaulting_are_idempotent(schema, value):
    prune(schema, value)
    apply_defaults(schema, value)
    once = copy.deepcopy(value)
    assert prune(schema, value) == []
    apply_defaults(schema, value)
    assert value == once


@settings(deadline=None)
@given(schemas, objects)
def test_validation_copes_with_any_value_and_changes_none(schema, value):
    before = copy.deepcopy((schema, value))
    validate(schema, value)
    assert validate(schema, value, copy.deepcopy(value)) == []
    assert (schema, value) == before
