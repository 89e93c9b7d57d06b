from hypothesis import given
from hypothesis import strategies as st

from api.opaque_token import seal, unseal

parameters = st.lists(st.text(max_size=5), max_size=3)


@given(st.text(), parameters)
def test_a_token_gives_back_what_was_sealed(payload, bound_to):
    assert unseal(seal(payload, bound_to=bound_to), bound_to=bound_to) == payload


@given(st.text(), parameters, parameters)
def test_a_token_is_good_for_its_own_parameters_only(payload, mine, others):
    opened = unseal(seal(payload, bound_to=mine), bound_to=others)
    assert opened == (payload if mine == others else None)


@given(st.text())
def test_any_text_may_be_handed_in(text):
    assert unseal(text, bound_to=("x",)) is None


def test_each_changed_character_is_noticed():
    token = seal("12345", bound_to=("x",))
    for index, character in enumerate(token[:-1]):
        other = "A" if character != "A" else "B"
        assert unseal(token[:index] + other + token[index + 1 :], bound_to=("x",)) is None
