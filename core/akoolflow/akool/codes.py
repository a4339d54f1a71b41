"""Every code the service is known to answer with: what it means, whose fault it is, whether asking again can help.

Sources: the service's published table of codes and its knowledge base pages; codes that are only seen elsewhere say so.
Whose fault and what to do are our reading of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct

from akoolflow.errors import Culprit, Retry

__all__ = ["BUSY", "CODES", "OVER", "SUCCESS", "TOKEN_REFUSED", "TOO_FREQUENT", "UNKNOWN", "Code", "markdown"]

SUCCESS: Final = 1000
TOO_FREQUENT: Final = 1005
TOKEN_REFUSED: Final = 1101
BUSY: Final = frozenset({1215, 1218, 1237})
"""An avatar that is in another session: documented, reported, seen on the live service. Which one holds is open."""
OVER: Final = frozenset({1216, 1219})
"""A session that is not there any more: what a second close may be answered with."""


class Code(Struct, frozen=True):
    meaning: str
    fault: Culprit
    retry: Retry
    advice: str
    source: str = "documented"


_Row: TypeAlias = tuple[str, Culprit, Retry, str]

_LATER = "a fault on the service's side: try again in a few minutes, and report it if it stays"
_MEDIA = "change the source file and send it again"
_BUSY = (
    "the avatar is in another session: close that one (`akoolflow sessions reap`), wait for its end, or take another"
)
_CLOSED = "nothing to do if you wanted it closed; else open another session"
_MONEY = "see billing in AKOOL's console"

# fmt: off
_DOCUMENTED: Final[dict[int, _Row]] = {
    1003: ("parameter error, or an empty parameter", "caller", "after_fix",
           "compare the request's fields with the documentation of the call"),
    1004: ("verification required", "account", "after_fix",
           "finish verifying the account in AKOOL's console"),
    1005: ("too frequent", "caller", "soon",
           "ask less often"),
    1006: ("quota insufficient", "account", "after_fix",
           "wait until the plan's quota is renewed, or take a bigger plan"),
    1007: ("face count changes exceed the limit", "caller", "after_fix", _MEDIA),
    1008: ("content does not exist", "caller", "after_fix",
           "check the id in the request; lists show which there are"),
    1009: ("permission denied", "account", "after_fix",
           "use the key of the account that it belongs to, or a plan that includes this"),
    1010: ("content cannot be operated", "caller", "after_fix",
           "look at its status: it may be unfinished, or not yours"),
    1011: ("content already operated", "caller", "never",
           "it has been done before"),
    1013: ("use the audio in the video", "caller", "after_fix", _MEDIA),
    1014: ("resource does not exist", "caller", "after_fix",
           "check the id in the request; generated resources are kept for 7 days"),
    1015: ("video processing error", "service", "later", _LATER),
    1016: ("face swap error", "service", "later", _LATER),
    1017: ("audio not created", "caller", "after_fix",
           "create the audio first"),
    1101: ("illegal or expired token", "account", "after_fix",
           "check the API key; if you use a token, get a new one"),
    1102: ("token empty", "caller", "after_fix",
           "give the client an API key, or a client id and secret"),
    1103: ("unpaid or overdue", "account", "after_fix", _MONEY),
    1104: ("credits insufficient", "account", "after_fix",
           "buy credits, or ask for a shorter duration: the whole of it is charged in advance"),
    1105: ("avatar processing error", "avatar", "later", _LATER),
    1108: ("image processing error", "service", "later", _LATER),
    1109: ("account does not exist", "account", "after_fix",
           "check the client id"),
    1110: ("audio processing error", "service", "later", _LATER),
    1111: ("avatar callback error", "service", "later", _LATER),
    1112: ("voice processing error", "service", "later", _LATER),
    1200: ("account blocked", "account", "never",
           "ask AKOOL's support"),
    1201: ("create audio error", "service", "later", _LATER),
    1202: ("lip sync to the same language is out of range", "caller", "after_fix",
           "choose another target language"),
    1203: ("video and audio are needed together: the video must have sound", "caller", "after_fix", _MEDIA),
    1204: ("video too long (60 s)", "caller", "after_fix", _MEDIA),
    1205: ("create video error", "service", "later", _LATER),
    1206: ("background change error", "service", "later", _LATER),
    1207: ("video too big (300 MB)", "caller", "after_fix", _MEDIA),
    1208: ("video parsing error", "caller", "after_fix", _MEDIA),
    1209: ("encoding unsupported", "caller", "after_fix", _MEDIA),
    1210: ("frame rate too high (60 per second)", "caller", "after_fix", _MEDIA),
    1211: ("lip sync creation error", "service", "later", _LATER),
    1212: ("sentiment analysis failed", "service", "later", _LATER),
    1213: ("subscription required", "account", "after_fix", _MONEY),
    1214: ("live avatar in processing", "avatar", "later",
           "wait: an avatar can be used when its status is 3"),
    1215: ("live avatar busy", "avatar", "later", _BUSY),
    1216: ("live avatar session does not exist", "caller", "never", _CLOSED),
    1217: ("live avatar callback error", "service", "later", _LATER),
    1218: ("live avatar processing error; reported for a busy avatar as well", "avatar", "later", _BUSY),
    1219: ("live avatar closed", "caller", "never", _CLOSED),
    1220: ("live avatar upload error", "avatar", "after_fix",
           "check that the video's link can be opened by anybody, and upload it again"),
    1221: ("account not subscribed", "account", "after_fix", _MONEY),
    1222: ("resource exists already", "caller", "after_fix",
           "choose another id or name, or use what is there"),
    1223: ("live avatar upload limit exceeded", "account", "after_fix",
           "delete an avatar that is not needed, or take a bigger plan"),
    1232: ("knowledge base not found", "caller", "after_fix",
           "check the id: `akoolflow akool knowledge` lists them"),
    1233: ("knowledge base exists already", "caller", "after_fix",
           "choose another name: it must be the only one of its name"),
    1234: ("knowledge base create error", "service", "later", _LATER),
    1235: ("knowledge base update error", "service", "later", _LATER),
    1236: ("knowledge base detail error", "service", "later", _LATER),
}
_ELSEWHERE: Final[dict[int, tuple[str, Culprit, Retry, str, str]]] = {
    1001: ("unknown", "unknown", "unknown",
           "not known to be sent by the service", "official demo only, which maps it to a text of its own"),
    1002: ("unknown", "unknown", "unknown",
           "not known to be sent by the service", "official demo only, which maps it to a text of its own"),
    1237: ("live avatar busy", "avatar", "later", _BUSY, "seen on the live service, 2026-04"),
    1500: ("unknown", "unknown", "unknown",
           "not known to be sent by the service", "third-party code only"),
    4001: ("wrong API key", "account", "after_fix",
           "check the API key", "audio websocket of the official Python package"),
    4003: ("occupied: it takes one connection only", "avatar", "later",
           "close the other connection, or wait for its end", "audio websocket of the official Python package"),
    4004: ("reconnected too soon", "caller", "soon",
           "wait before connecting again", "audio websocket of the official Python package"),
}
# fmt: on

CODES: Final[Mapping[int, Code]] = MappingProxyType(
    {code: Code(*row) for code, row in sorted((_DOCUMENTED | _ELSEWHERE).items())}
)
"""By code; success (1000) is none of them."""
UNKNOWN: Final = Code(
    "unknown", "unknown", "unknown", "this code is in no table that we know: its text is all there is to go by", "none"
)


def markdown() -> str:
    """The table, for the manual."""
    head = ("code", "meaning", "whose fault", "try again", "what to do", "source")
    words = {"after_fix": "once put right", "unknown": "not known"}
    rows = [
        (str(code), c.meaning, c.fault, words.get(c.retry, c.retry), c.advice, c.source) for code, c in CODES.items()
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))
