import numpy as np
import pytest

from triton_models.chat_lm.generation.prefix_cache import PrefixCache

BLOCK = np.zeros(25, np.float32)  # 100 bytes


@pytest.fixture
def cache() -> PrefixCache:
    """Room for three blocks of four tokens."""
    return PrefixCache(block_tokens=4, most_bytes=300)


def keep(cache, tokens, namespace=None):
    for place in cache.missing(namespace, tokens):
        cache.keep(namespace, tokens, place, BLOCK.copy())


def found(cache, tokens, namespace=None):
    return len(cache.find(namespace, tokens))


def test_a_beginning_that_was_met_is_found_in_whole_blocks(cache):
    keep(cache, list(range(11)))
    assert found(cache, list(range(20))) == 2
    assert found(cache, list(range(7))) == 1
    assert found(cache, list(range(3))) == 0


def test_a_block_is_known_by_all_that_comes_before_it(cache):
    keep(cache, [1, 2, 3, 4, 5, 6, 7, 8])
    assert found(cache, [9, 2, 3, 4, 5, 6, 7, 8]) == 0
    assert found(cache, [1, 2, 3, 4, 5, 6, 7, 9]) == 1


def test_namespaces_share_nothing(cache):
    keep(cache, [1, 2, 3, 4], "one adapter")
    assert found(cache, [1, 2, 3, 4], "another") == 0
    assert found(cache, [1, 2, 3, 4], "one adapter") == 1


def test_what_is_kept_already_is_not_missing(cache):
    keep(cache, [1, 2, 3, 4])
    assert cache.missing(None, [1, 2, 3, 4, 5, 6, 7, 8, 9]) == [1]


def test_the_least_recently_used_goes_first(cache):
    for start in (10, 20, 30):
        keep(cache, list(range(start, start + 4)))
    found(cache, list(range(10, 14)))
    keep(cache, list(range(40, 44)))
    assert [found(cache, list(range(start, start + 4))) for start in (10, 20, 30, 40)] == [
        *(1, 0, 1, 1)
    ]


def test_a_beginning_outlives_what_follows_it(cache):
    keep(cache, list(range(12)))
    keep(cache, list(range(50, 54)))
    assert found(cache, list(range(12))) == 2


def test_blocks_are_given_as_they_were_kept(cache):
    for place in cache.missing(None, [1, 2, 3, 4, 5, 6, 7, 8]):
        cache.keep(None, [1, 2, 3, 4, 5, 6, 7, 8], place, np.full(10, place))
    assert [int(block[0]) for block in cache.find(None, [1, 2, 3, 4, 5, 6, 7, 8])] == [0, 1]


def test_without_room_nothing_is_kept():
    cache = PrefixCache(block_tokens=4, most_bytes=0)
    keep(cache, [1, 2, 3, 4])
    assert found(cache, [1, 2, 3, 4]) == 0
