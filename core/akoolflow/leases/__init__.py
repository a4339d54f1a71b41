"""Leases: no avatar session is asked for before it is noted on disk, so that none is left running and paid for.

`LeasedService` puts them around an avatar service, `reap` closes what dead processes have left open, `LeaseBook` is the
file.
"""

from __future__ import annotations

from akoolflow.leases.book import LeaseBook
from akoolflow.leases.budget import Budget, Usage
from akoolflow.leases.folder import book_path, state_folder
from akoolflow.leases.lease import Ask, Lease, ListingService, OpenSession, Payer, payer_of
from akoolflow.leases.reaping import Outcome, Rules, reap
from akoolflow.leases.service import LeasedService, Terms

__all__ = [
    "Ask",
    "Budget",
    "Lease",
    "LeaseBook",
    "LeasedService",
    "ListingService",
    "OpenSession",
    "Outcome",
    "Payer",
    "Rules",
    "Terms",
    "Usage",
    "book_path",
    "payer_of",
    "reap",
    "state_folder",
]
