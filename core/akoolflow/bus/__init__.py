"""Typed routing to bounded inboxes.

Read `routing` (who wants what), then `worker` (one component in one session), then `bus` (publishing).
"""

from __future__ import annotations

from akoolflow.bus.bus import Bus, BusStatistics, Channel, ComponentStatistics, Subscription
from akoolflow.bus.routing import Inbox

__all__ = ["Bus", "BusStatistics", "Channel", "ComponentStatistics", "Inbox", "Subscription"]
