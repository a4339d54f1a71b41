"""What the simulated REST service can be made to do, and who may use it.

As in `SimulatorOptions`, each default names what it rests on.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.rest.faults import Fault

__all__ = ["AccountOptions", "AccountState", "AgoraKeys", "LiveKitKeys", "ServiceOptions", "Switches", "TrtcKeys"]

AccountState: TypeAlias = Literal["active", "blocked", "unpaid", "unsubscribed"]

_Text: TypeAlias = Annotated[str, Meta(min_length=1)]
_Hex32: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{32}$")]
_Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]


class ServiceOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The switches of the REST service. Where sources disagree, the default is what was seen of the live service."""

    # -- who is let in
    auth_status: Literal[200, 401] = 200
    """HTTP status of a refusal for want of a valid key or token (business errors come with 200: official demo)."""
    key_as_bearer: bool = False
    """Whether an API key is taken where a token belongs, after `Authorization: Bearer` (documents can be read so)."""
    token_life_s: Annotated[float, Meta(gt=0)] = 34_560_000.0
    """Of a token of getToken: 400 days (documented: more than a year)."""

    # -- money
    credits_per_minute: Annotated[float, Meta(ge=0, le=1_000_000)] = 6.0
    """Price of a session (third-party report, 1080p)."""
    no_credit_code: Literal[1104, 1006] = 1104
    """Refusal when the account cannot pay the whole duration (both documented; which one: our guess)."""
    sessions_per_account: Annotated[int, Meta(ge=1)] | None = None
    """Sessions that an account may have open; one more gets 1006 (our guess). No bound by default."""

    # -- sessions
    closed_code: Literal[1219, 1216, 1000] = 1219
    """Answer to closing a session that is over: not 1000 (seen in the field; which one: our guess)."""
    close_by: Literal["either", "id"] = "either"
    """Whether close takes `session_id` (in samples, and sent by AKOOL's LiveKit plugin) beside `id` (proven)."""
    close_data: bool = True
    """Whether a close is answered with data (documented both ways; the official demo insists)."""
    tokens_shown: Literal["create", "open", "always"] = "create"
    """Where room tokens are told: by create only, by detail and list while the session is open, or always (create:
    from examples)."""
    stream_urls: bool = False
    """Whether sessions repeat their credentials as `stream_urls` (older documentation)."""
    trtc_names: Literal["field", "documented"] = "field"
    """`trtc_app_id` and so on (seen in the field), or `trtc_sdk_app_id` (documented)."""
    agora_token_life_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    """Of an Agora token, from create on (older documentation)."""
    room_token_life_s: Annotated[float, Meta(ge=1, le=864_000)] = 7200.0
    """Of a LiveKit token and a TRTC signature, from create on (our guess)."""
    unknown_avatar_code: Literal[1008, 1014] = 1008
    """Refusal for an avatar that nobody knows (our guess)."""
    unknown_voice: Literal["taken", "refused"] = "taken"
    """Whether create refuses a `voice_id` that the simulator does not list, with 1014 (our guess)."""

    # -- avatars and knowledge
    avatar_queue_s: _Seconds = 5.0
    """How long an uploaded avatar queues; divided by `speed`, as all times of the simulated world (our guess)."""
    avatar_processing_s: _Seconds = 25.0
    """How long it is then processed (our guess)."""
    avatar_fails: bool = False
    """Whether the processing of uploads fails (status 4)."""
    max_avatars: Annotated[int, Meta(ge=0)] = 100
    """Uploads of one account; one more gets 1223 (documented; the number is our guess)."""
    detail_status: bool = True
    """Whether avatar/detail tells the status: its schema does not, its text says that it does."""
    knowledge_list: Literal["array", "object"] = "array"
    """Shape of knowledge/list: an array (documented), or `{knowledge_list}` (official demo)."""


class AccountOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may use the service."""

    uid: Annotated[int, Meta(ge=1, le=2**53)] = 100010
    name: _Text = "simulator"
    client_id: _Text | None = None
    """Made from the seed if left out."""
    client_secret: Secret | None = None
    """The API key; made from the seed if left out."""
    credits: Annotated[float, Meta(ge=0, le=1e9)] = 10_000.0
    """At the start."""
    state: AccountState = "active"
    """Blocked accounts get 1200 for every call; unpaid (1103) and unsubscribed (1221) ones cannot open sessions."""


class LiveKitKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server that LiveKit credentials point at; by default one that was started with `livekit-server --dev`."""

    url: _Text = "ws://127.0.0.1:7880"
    api_key: _Text = "devkey"
    api_secret: Secret = Secret("secret")


class AgoraKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The project that Agora tokens are signed for; the default is nobody's."""

    app_id: _Hex32 = "5eed" * 8
    app_certificate: Secret = Secret("ce27" * 8)


class TrtcKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The application that TRTC signatures are made for; the default is nobody's."""

    app_id: Annotated[int, Meta(ge=1, le=2**32 - 1)] = 20_000_001
    secret_key: Secret = Secret("no-trtc-secret-key")


class Switches(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it, as the tables of a file."""

    simulator: SimulatorOptions = SimulatorOptions()
    """The avatar and its sessions: the same table as in a pipeline file."""
    service: ServiceOptions = ServiceOptions()
    account: tuple[AccountOptions, ...] = (AccountOptions(),)
    fault: tuple[Fault, ...] = ()
    livekit: LiveKitKeys = LiveKitKeys()
    agora: AgoraKeys = AgoraKeys()
    trtc: TrtcKeys = TrtcKeys()

    def __post_init__(self) -> None:
        if not self.account:
            raise OptionInvalid("account", "without an account nobody can use the service", "add [[account]]")
        for key in ("uid", "client_id", "client_secret"):
            seen = set()
            for n, account in enumerate(self.account):
                value = getattr(account, key)
                if value is not None and value in seen:
                    raise OptionInvalid(("account", n, key), "another account has the same one", _HINTS.get(key, ""))
                seen.add(value)


_HINTS: Final = {"uid": "give each account its own uid"}
