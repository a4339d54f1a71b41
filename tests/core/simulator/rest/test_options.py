"""The switches: told apart, and checked."""

from __future__ import annotations

import msgspec
import pytest

from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.rest.options import AccountOptions, ServiceOptions, Switches


def test_no_switch_is_in_two_tables() -> None:
    names = [
        {field.encode_name for field in msgspec.structs.fields(table)} for table in (SimulatorOptions, ServiceOptions)
    ]
    assert names[0] & names[1] == set()


@pytest.mark.parametrize(
    "fields", [{"uid": 100010}, {"uid": 2, "client_id": "same"}, {"uid": 2, "client_secret": Secret("same")}]
)
def test_two_accounts_cannot_be_one(fields: dict[str, object]) -> None:
    first = AccountOptions(client_id="same", client_secret=Secret("same"))
    with pytest.raises(OptionInvalid, match="another account has the same one"):
        Switches(account=(first, msgspec.structs.replace(AccountOptions(), **fields)))


def test_somebody_has_to_be_let_in() -> None:
    with pytest.raises(OptionInvalid, match="nobody can use the service"):
        Switches(account=())
