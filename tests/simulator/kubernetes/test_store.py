import pytest

from simulator.kubernetes.database import Key, NoDatabase
from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.store import Store


def key(name: str) -> Key:
    return Key("things", "n", name)


def thing(value: int) -> Object:
    return {"apiVersion": "v1", "kind": "Thing", "metadata": {}, "value": value}


@pytest.fixture
def store() -> Store:
    return Store(NoDatabase(), log_length=4)


def values(store: Store, version: int) -> dict[str, int]:
    return {
        found.name: stored.object["value"]
        for found, stored in store.list_as_of("things", None, version)
    }


def test_an_earlier_list_is_the_list_of_then(store: Store) -> None:
    store.put(key("a"), thing(1))
    store.put(key("b"), thing(1))
    store.put(key("a"), thing(2))
    store.remove(key("b"), thing(1))
    assert values(store, 2) == {"a": 1, "b": 1}
    assert values(store, 3) == {"a": 2, "b": 1}
    assert values(store, 4) == {"a": 2}


def test_what_the_log_has_forgotten_is_expired(store: Store) -> None:
    for number in range(6):
        store.put(key("a"), thing(number))
    assert [commit.resource_version for commit in store.changes_after(2)] == [3, 4, 5, 6]
    with pytest.raises(ApiError) as raised:
        store.changes_after(1)
    assert raised.value.code == 410
    with pytest.raises(ApiError):
        store.list_as_of("things", None, 1)


def test_the_stored_text_is_the_object(store: Store) -> None:
    stored = store.put(key("a"), thing(1))
    found = store.get(key("a"))
    assert found is not None
    assert found.object is stored
    assert stored["metadata"]["resourceVersion"] == "1"
    assert b'"resourceVersion":"1"' in found.encoded
