"""The service's codes in its own words: the table of its documentation, and 1237, which was seen in the field."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from akoolflow.errors import ServiceRefused

__all__ = ["MESSAGES", "refused"]

MESSAGES: Final = MappingProxyType(
    {
        1003: "Parameter error",
        1004: "Requires verification",
        1005: "Frequent operation",
        1006: "Insufficient quota balance",
        1007: "Face count changes exceed",
        1008: "content not exist",
        1009: "permission denied",
        1010: "This content cannot be operated",
        1011: "This content has been operated",
        1013: "Use audio in video",
        1014: "Resource does not exist",
        1015: "Video processing error",
        1016: "Face swapping error",
        1017: "Audio not created",
        1101: "Illegal token",
        1102: "token cannot be empty",
        1103: "Not paid or payment is overdue",
        1104: "Insufficient credit balance",
        1105: "avatar processing error",
        1108: "image processing error",
        1109: "account not exist",
        1110: "audio processing error",
        1111: "avatar callback processing error",
        1112: "voice processing error",
        1200: "Account blocked",
        1201: "create audio processing error",
        1202: "Video lip sync same language out of range",
        1203: "Using Video and Audio",
        1204: "video duration exceed",
        1205: "create video processing error",
        1206: "background change processing error",
        1207: "video size exceed",
        1208: "video parsing error",
        1209: "The video encoding format is not supported",
        1210: "video fps exceed",
        1211: "Creating lip sync errors",
        1212: "Sentiment analysis fails",
        1213: "Requires subscription user to use",
        1214: "liveAvatar in processing",
        1215: "liveAvatar processing is busy",
        1216: "liveAvatar session not exist",
        1217: "liveAvatar callback error",
        1218: "liveAvatar processing error",
        1219: "liveAvatar closed",
        1220: "liveAvatar upload avatar error",
        1221: "Account not subscribed",
        1222: "Resource already exist",
        1223: "liveAvatar upload exceed",
        1232: "Knowledge not found",
        1233: "Knowledge already exists",
        1234: "Knowledge creation error",
        1235: "Knowledge update error",
        1236: "Knowledge detail error",
        1237: "liveAvatar processing is busy",
    }
)


def refused(code: int, detail: str = "", hint: str = "") -> ServiceRefused:
    """A refusal in the service's words, with what the simulator knows about the cause."""
    message = MESSAGES.get(code, "unknown error")
    return ServiceRefused(code, f"{message}: {detail}" if detail else message, hint)
