import pytest

from api.label_selector import is_valid


@pytest.mark.parametrize(
    "selector",
    [
        "",
        " ",
        "a",
        "!a",
        "! a",
        "a=b",
        "a==b",
        "a != b",
        "a=",
        "app.kubernetes.io/name=chat",
        "a in (b, c)",
        "a notin (b,,c)",
        "a=b,c in (d,e),!f,g",
        "A_b.c-d=E_f.g-h",
    ],
)
def test_kubernetes_own_forms_are_valid(selector):
    assert is_valid(selector)


@pytest.mark.parametrize(
    "selector",
    [
        "=b",
        "a=b=c",
        "a,",
        ",",
        "a in b",
        "a in (b",
        "a b",
        "a>b c",
        "-a",
        "a=-b",
        "a/b/c",
        "!a=b",
        "a in ()b",
        "a" * 3000,
    ],
)
def test_what_kubernetes_refuses_is_invalid(selector):
    assert not is_valid(selector)
