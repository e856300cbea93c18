"""Keys: their form, and which one a text is, whatever it holds."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextpick.errors import ConfigError
from nextpick.keys import Key, Scope, digest, find, key_id_of, make

KEY, TEXT = make("shop", {Scope.SERVE}, 50)
KEYS = {KEY.key_id: KEY}


def test_a_key_is_found_by_its_text_and_kept_as_a_hash_of_it() -> None:
    assert re.fullmatch(r"np_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", TEXT)
    assert find(TEXT, KEYS) is KEY
    assert KEY.sha256 == hashlib.sha256(TEXT.encode()).digest()
    assert key_id_of(TEXT) == KEY.key_id


def test_no_two_keys_are_the_same_and_none_shows_itself() -> None:
    others = [make("shop", {"serve"}, None) for _ in range(100)]
    assert len({text[-43:] for _, text in others}) == len({key.key_id for key, _ in others}) == 100
    assert "sha256" not in repr(KEY)
    assert TEXT[-43:] not in repr(KEY)


HOSTILE = (
    "",
    "np_",
    "np__",
    f"np_{KEY.key_id}_",
    f"np_{KEY.key_id}_{'A' * 43}",
    TEXT[:-1],
    TEXT + "A",
    TEXT + "\n",
    TEXT + "\0",
    "\0" + TEXT,
    " " + TEXT,
    TEXT.upper(),
    TEXT.replace("np_", "np_0", 1),
    TEXT + "A" * 1_000_000,
    TEXT.replace("np", "ñp"),
    "ключ",
    "np_" + "\N{ARABIC-INDIC DIGIT ONE}" * 12 + "_" + "A" * 43,
    "\ud800",
    KEY.sha256.hex(),
    KEY.key_id,
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_nearly_a_key_opens_nothing(text: str) -> None:
    assert find(text, KEYS) is None


def test_where_there_is_no_key_not_even_a_hash_of_zeros_is_one() -> None:
    assert find(TEXT, {}) is None
    assert find("", {}) is None


@given(st.text())
def test_no_other_text_is_the_key(text: str) -> None:
    assert find(text, KEYS) is None
    assert find(f"np_{KEY.key_id}_{text}", KEYS) is None
    assert len(digest(text)) == 32


def test_admin_opens_all_and_the_others_only_themselves() -> None:
    def opened(*scopes: str) -> set[Scope]:
        return {scope for scope in Scope if Key("", "", b"", frozenset(scopes), None).opens(scope)}

    assert opened("admin") == set(Scope)
    assert opened("serve") == {Scope.SERVE}
    assert opened("events", "serve") == {Scope.SERVE, Scope.EVENTS}
    assert opened("something of a newer version") == set()


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 64, 'a"}', "a\n", "ключ"])
def test_a_name_that_is_no_label_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="A key cannot be named"):
        make(name, {"serve"}, None)


@pytest.mark.parametrize("scopes", [[], ["all"], ["serve", ""]])
def test_a_scope_that_is_none_is_refused(scopes: list[str]) -> None:
    with pytest.raises(ConfigError, match="Name one or more of serve, events, admin"):
        make("shop", scopes, None)


@pytest.mark.parametrize("per_second", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(per_second: float) -> None:
    with pytest.raises(ConfigError, match="Give a number above 0"):
        make("shop", {"serve"}, per_second)
