"""The simulated service over HTTP, with Starlette and uvicorn (extra `simulator`); it only translates."""

from __future__ import annotations
