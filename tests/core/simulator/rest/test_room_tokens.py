"""Room tokens in their vendors' formats, read back by other means than they were made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib

from akoolflow.simulator.rest.room_tokens import AgoraSeat, Validity, agora_token, livekit_token, trtc_user_sig
from akoolflow.simulator.rest.tokens import claims_of

APP_ID = "970CA35de60c44645bbae8a215061b33"
CERTIFICATE = "5CFd2fd1755d40ecb72977518be15d3b"


def test_the_agora_token_is_that_of_agoras_own_test_vector() -> None:
    """From the tests of Agora's public token builder: join only, uid 2882341273, 600 s from 1111111, salt 1."""
    seat = AgoraSeat(channel="7d72365eb983485397e3e3f9d460bdda", uid=2882341273, privileges=(1,))
    assert agora_token(APP_ID, CERTIFICATE, seat, Validity(1111111, 600), 1) == (
        "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IM"
        "EQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCaiTj"
    )


def test_the_agora_token_grants_all_that_a_talking_client_needs() -> None:
    token = agora_token(APP_ID, CERTIFICATE, AgoraSeat(channel="room", uid=5), Validity(1000, 300), 1)
    raw = zlib.decompress(base64.b64decode(token.removeprefix("007")))
    granted = b"".join(bytes([privilege, 0, 44, 1, 0, 0]) for privilege in (1, 2, 3, 4))
    assert granted + b"\x04\x00room\x01\x005" == raw[-len(granted) - 9 :]


def test_the_livekit_token_lets_its_bearer_into_one_room_for_a_time() -> None:
    token = livekit_token("devkey", "secret", "client-1", "room-1", Validity(1000.7, 60))
    assert claims_of(token, b"secret") == {
        "iss": "devkey",
        "sub": "client-1",
        "exp": 1060,
        "video": {
            "roomJoin": True,
            "room": "room-1",
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
        },
    }


def test_the_trtc_signature_states_and_signs_who_when_and_how_long() -> None:
    signature = trtc_user_sig(1400000000, "a key", "u-1", Validity(1000, 7200))
    packed = signature.replace("*", "+").replace("-", "/").replace("_", "=")
    told = json.loads(zlib.decompress(base64.b64decode(packed)))
    text = b"TLS.identifier:u-1\nTLS.sdkappid:1400000000\nTLS.time:1000\nTLS.expire:7200\n"
    assert told == {
        "TLS.ver": "2.0",
        "TLS.identifier": "u-1",
        "TLS.sdkappid": 1400000000,
        "TLS.time": 1000,
        "TLS.expire": 7200,
        "TLS.sig": base64.b64encode(hmac.new(b"a key", text, hashlib.sha256).digest()).decode(),
    }
