"""`python -m akoolflow`."""

from __future__ import annotations

import sys

from akoolflow.cli import main

sys.exit(main())
