from triton_models.chat_lm.generation.lookup import PromptLookup


def test_what_followed_the_last_tokens_before_is_the_draft():
    assert PromptLookup([1, 2, 3, 4, 5, 6, 1, 2, 3]).draft(2) == [4, 5]


def test_the_latest_occurrence_counts():
    assert PromptLookup([1, 2, 3, 7, 1, 2, 3, 8, 1, 2, 3]).draft(1) == [8]


def test_a_draft_may_be_shorter_than_asked_for():
    assert PromptLookup([1, 2, 3, 9, 1, 2, 3]).draft(10) == [9, 1, 2, 3]


def test_nothing_is_guessed_where_nothing_repeats():
    assert PromptLookup([1, 2, 3, 4]).draft(4) == []
    assert PromptLookup([1]).draft(4) == []


def test_an_answer_is_looked_up_too():
    lookup = PromptLookup([5])
    for token in (1, 2, 3, 4, 1, 2, 3):
        lookup.append(token)
    assert lookup.draft(1) == [4]


def test_misses_in_a_row_silence_it_for_a_while():
    lookup = PromptLookup([1, 2, 3] * 3)
    lookup.judge(0)
    assert lookup.draft(2)
    lookup.judge(0)
    assert lookup.draft(2) == []
    for token in [1, 2, 3] * 6:
        lookup.append(token)
    assert lookup.draft(2) == [1, 2]


def test_a_hit_makes_up_for_a_miss():
    lookup = PromptLookup([1, 2, 3] * 3)
    for accepted in (0, 1, 0):
        lookup.judge(accepted)
    assert lookup.draft(1) == [1]
