"""One conversation is one task group.

Read `conversation` (what others see of it), then `life` (from create to close), `outbox` (what leaves), `commands`
(and their acks), `inbound` (what arrives) and `dialogue` (turns and brains).
"""

from __future__ import annotations

from akoolflow.conversation.conversation import Conversation, Parts, Timing

__all__ = ["Conversation", "Parts", "Timing"]
