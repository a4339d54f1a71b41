from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import msgspec
import pytest

from akoolflow.secret import Secret, masked

TEXT = "sk-hunter2"
SECRET = Secret(TEXT)


class Holder(msgspec.Struct):
    key: Secret


def test_it_is_revealed_only_when_asked() -> None:
    assert SECRET.reveal() == TEXT


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET:>20}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031 - one of the ways
        repr([SECRET]),
        repr(Holder(SECRET)),
        json.dumps({"key": SECRET}, default=masked),
        msgspec.json.encode(Holder(SECRET), enc_hook=masked).decode(),
    ],
)
def test_no_way_of_showing_shows_it(shown: str) -> None:
    assert TEXT not in shown
    assert "***" in shown


def test_it_is_not_written_down_by_pickle_nor_by_plain_json() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SECRET)
    with pytest.raises(TypeError):
        msgspec.json.encode(Holder(SECRET))


def test_a_copy_of_what_holds_it_holds_it() -> None:
    assert copy.copy(Holder(SECRET)).key.reveal() == TEXT
    assert copy.deepcopy(Holder(SECRET)).key.reveal() == TEXT


def test_secrets_are_equal_if_their_texts_are() -> None:
    assert {SECRET, Secret(TEXT)} == {SECRET}
    assert SECRET != TEXT
    assert not Secret("")


def test_masking_takes_paths_and_nothing_else() -> None:
    assert masked(Path("a/b")) == "a/b"
    with pytest.raises(TypeError):
        masked(object())
