"""The REST calls, one file for each noun: what they take and give, and what they do."""

from __future__ import annotations
