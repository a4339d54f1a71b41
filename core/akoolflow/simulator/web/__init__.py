"""The simulated service over HTTP, with Starlette and uvicorn (extra `simulator`); it only translates.

In a test: `with running_simulator() as simulator: httpx.get(simulator.base_url + ...)`.
"""

from __future__ import annotations

from akoolflow.simulator.web.server import RunningSimulator, running_simulator

__all__ = ["RunningSimulator", "running_simulator"]
