"""Who may use the simulated service: keys, the legacy pair of id and secret, and tokens."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.options import AccountOptions, AccountState, ServiceOptions
from akoolflow.simulator.rest.seeds import object_id, secret_bytes, secret_text
from akoolflow.simulator.rest.tokens import claims_of, signed

__all__ = ["NOBODY", "Account", "Accounts"]

_BEARER: Final = "bearer"


class Account(Struct, frozen=True, kw_only=True):
    uid: int
    name: str
    client_id: str
    client_secret: str
    """Also the API key: the two are one value (documented)."""
    initial_credits: float
    state: AccountState

    def __repr__(self) -> str:
        return f"Account(uid={self.uid}, name={self.name!r}, state={self.state!r})"


NOBODY: Final = Account(uid=0, name="", client_id="", client_secret="", initial_credits=0.0, state="active")
"""Whoever calls what needs no key."""


class Accounts:
    def __init__(self, accounts: Iterable[AccountOptions], options: ServiceOptions, seed: int) -> None:
        self._options = options
        self._signing_key = secret_bytes(seed, "tokens")
        self._accounts = {account.uid: account for account in (_made(each, seed) for each in accounts)}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    @property
    def secrets(self) -> frozenset[str]:
        """What no log may hold."""
        return frozenset(account.client_secret for account in self._accounts.values())

    def token(self, client_id: str, client_secret: str, now: float) -> str:
        """What getToken gives: claims as in the documentation's sample.

        :raises ServiceRefused: 1102 for an empty value, 1101 for a wrong pair, 1200 for a blocked account (documented).
        """
        if not client_id or not client_secret:
            raise refused(1102, "clientId and clientSecret are needed")
        for account in self._accounts.values():
            if account.client_id == client_id and _same(account.client_secret, client_secret):
                return self.issue(_let_in(account), now)
        raise refused(1101, "no account has this clientId with this clientSecret")

    def issue(self, account: Account, now: float) -> str:
        claims = {
            "id": account.client_id,
            "type": "user",
            "from": "toc",
            "email": f"{account.uid}@simulator.invalid",
            "firstName": account.name,
            "uid": account.uid,
            "code": str(account.uid % 10_000),
            "iat": int(now),
            "exp": int(now + self._options.token_life_s),
        }
        return signed(claims, self._signing_key)

    def identify(self, authorization: str, api_key: str, now: float) -> Account:
        """Whose call it is, by the values of the two headers; where both have one, `Authorization` holds (documented).

        :raises ServiceRefused: 1102 for neither, 1101 for a wrong or expired one, 1200 for a blocked account.
        """
        if authorization.strip():
            return _let_in(self._bearer(authorization.strip(), now))
        if not api_key.strip():
            raise refused(1102, "send x-api-key, or Authorization: Bearer with a token of getToken")
        account = self._by_key(api_key.strip())
        if account is None:
            raise refused(1101, "no account has this API key")
        return _let_in(account)

    def _bearer(self, authorization: str, now: float) -> Account:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != _BEARER:
            raise refused(1101, "Authorization has to be `Bearer` and a token")
        if not token:
            raise refused(1102, "there is no token after `Bearer`")
        account = self._by_key(token)
        if account is not None:
            if self._options.key_as_bearer:
                return account
            raise refused(1101, "an API key belongs in x-api-key; after `Bearer` comes a token of getToken")
        return self._by_token(token, now)

    def _by_token(self, token: str, now: float) -> Account:
        try:
            claims = claims_of(token, self._signing_key)
        except ValueError as error:
            raise refused(1101, str(error)) from error
        if claims["exp"] <= now:
            raise refused(1101, "the token has expired")
        account = self._accounts.get(claims["uid"])
        if account is None or account.client_id != claims["id"]:
            raise refused(1101, "the token is of an account that is no more")
        return account

    def _by_key(self, key: str) -> Account | None:
        return next((each for each in self._accounts.values() if _same(each.client_secret, key)), None)


def _made(options: AccountOptions, seed: int) -> Account:
    secret = options.client_secret.reveal() if options.client_secret else secret_text(seed, "secret", options.uid)
    return Account(
        uid=options.uid,
        name=options.name,
        client_id=options.client_id or object_id(seed, "client", options.uid),
        client_secret=secret,
        initial_credits=options.credits,
        state=options.state,
    )


def _let_in(account: Account) -> Account:
    if account.state == "blocked":
        raise refused(1200)
    return account


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))
