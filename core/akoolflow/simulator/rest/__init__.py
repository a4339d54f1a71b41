"""The simulated service behind its REST calls, pure: who calls, what is asked and the time in, answers out."""

from __future__ import annotations
