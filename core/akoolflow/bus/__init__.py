"""Typed routing to bounded inboxes.

Read `routing` (who wants what), then `worker` (one component in one session), `crew` (the tasks that workers borrow),
`channel` (publishing in one session) and `bus`.
"""

from __future__ import annotations

from akoolflow.bus.bus import Bus, Subscription
from akoolflow.bus.channel import Channel
from akoolflow.bus.routing import Inbox
from akoolflow.bus.statistics import BusStatistics, ComponentStatistics

__all__ = ["Bus", "BusStatistics", "Channel", "ComponentStatistics", "Inbox", "Subscription"]
