import json

import pytest

from triton_models.chat_lm.generation.request import InvalidRequest
from triton_models.chat_lm.generation.text import parse_messages, split_settled


@pytest.mark.parametrize(
    ("text", "stops", "settled", "held", "stopped"),
    [
        ("hello", (), "hello", "", False),
        ("hello", ("x",), "hello", "", False),
        ("one END two", ("END",), "one ", "", True),
        ("one EN", ("END",), "one ", "EN", False),
        ("one E", ("END", "EXIT"), "one ", "E", False),
        ("aab", ("aab",), "", "", True),
        ("aa", ("aab",), "", "aa", False),
        ("first b then a", ("a", "b"), "first ", "", True),
        ("END", ("END",), "", "", True),
    ],
)
def test_text_that_may_begin_a_stop_is_held(text, stops, settled, held, stopped):
    assert split_settled(text, stops) == (settled, held, stopped)


@pytest.mark.parametrize(
    "text", ["plain", "naïve café", "日本語のテキスト", "👩‍👩‍👧 family", "a\ufffdb"]
)
def test_streamed_text_is_whole_characters_and_adds_up(language, text):
    growing = language.new_text(())
    pieces = [growing.push(token) for token in language.encode(text)]
    assert "".join(pieces) + growing.flush() == text
    if "\ufffd" not in text:
        assert not any("\ufffd" in piece for piece in pieces)


def test_a_stop_string_is_found_across_tokens(language):
    growing = language.new_text(("the end",))
    pieces = [growing.push(token) for token in language.encode("this is the e")]
    assert "".join(pieces) == "this is "
    assert not growing.stopped
    assert [growing.push(token) for token in language.encode("nd")] == ["", ""]
    assert growing.stopped


def test_what_was_held_in_vain_is_given_at_the_end(language):
    growing = language.new_text(("the end",))
    pieces = [growing.push(token) for token in language.encode("this is the e")]
    assert "".join(pieces) + growing.flush() == "this is the e"


def test_the_chat_template_ends_where_the_assistant_speaks(language):
    tokens = language.encode_chat([{"role": "user", "content": "hello"}])
    expected = "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    assert tokens == language.encode(expected)
    assert tokens[0] == 1  # the special token, not its letters


def test_messages_that_the_template_refuses_are_an_invalid_request(language):
    with pytest.raises(InvalidRequest, match="chat template"):
        language.encode_chat([{"role": "tool", "content": "x"}])


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "at least one"),
        ('{"role": "user"}', "array"),
        (json.dumps(["hi"]), r"messages\[0\]"),
        (
            json.dumps([{"role": "user", "content": "x"}, {"role": "user"}]),
            r"messages\[1\].content",
        ),
        (json.dumps([{"role": 1, "content": "x"}]), r"messages\[0\].role"),
        (r'[{"role": "user", "content": "\ud83d"}]', r"messages\[0\].content"),
    ],
)
def test_malformed_messages_are_named(document, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        parse_messages(document)
