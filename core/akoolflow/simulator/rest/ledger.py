"""Credits: the whole duration is charged when a session opens, the rest comes back when it ends (documented).

Counted in thousandths of a credit, in whole numbers, so that nothing is lost in rounding.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

from akoolflow.simulator.rest.accounts import Account
from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.options import ServiceOptions
from akoolflow.simulator.rest.shelf import Shelf

__all__ = ["Balance", "Hold", "Ledger"]

_MILLI: Final = 1000


class Balance(Struct, frozen=True, kw_only=True):
    uid: int
    millicredits: int


class Hold(Struct, frozen=True, kw_only=True):
    """What a session that is open was charged."""

    uid: int
    millicredits: int


class Ledger:
    def __init__(self, options: ServiceOptions, balances: Shelf[Balance], holds: Shelf[Hold]) -> None:
        self._options, self._balances, self._holds = options, balances, holds

    def credits(self, account: Account) -> float:
        """What the account has left."""
        return self._balance(account) / _MILLI

    def price(self, duration_s: float) -> float:
        """Of so much of a session, in credits."""
        return self._price(duration_s) / _MILLI

    def check(self, account: Account, duration_s: float) -> None:
        """:raises ServiceRefused: the account cannot pay that."""
        price, balance = self._price(duration_s), self._balance(account)
        if price > balance:
            detail = f"{duration_s:g} s cost {price / _MILLI:g} credits, {balance / _MILLI:g} are left"
            raise refused(self._options.no_credit_code, detail)

    def charge(self, account: Account, session_id: str, duration_s: float) -> None:
        price = self._price(duration_s)
        self._put(account.uid, self._balance(account) - price)
        self._holds[session_id] = Hold(uid=account.uid, millicredits=price)

    def settle(self, session_id: str, used_s: float) -> None:
        """Give back what was not used; for a session that was not charged this does nothing."""
        hold = self._holds.get(session_id)
        if hold is None:
            return
        del self._holds[session_id]
        refund = max(0, hold.millicredits - self._price(used_s))
        self._put(hold.uid, self._balances[str(hold.uid)].millicredits + refund)

    def _price(self, duration_s: float) -> int:
        # Epoch seconds as floats are good to a microsecond: without rounding, 60 s may come out as 60.0000002.
        return math.ceil(round(duration_s * self._options.credits_per_minute * _MILLI / 60, 2))

    def _balance(self, account: Account) -> int:
        balance = self._balances.get(str(account.uid))
        return round(account.initial_credits * _MILLI) if balance is None else balance.millicredits

    def _put(self, uid: int, millicredits: int) -> None:
        self._balances[str(uid)] = Balance(uid=uid, millicredits=millicredits)
