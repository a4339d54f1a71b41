"""A flow inside another program: run it with `python examples/embed/talk.py`."""

from __future__ import annotations

from pathlib import Path

import anyio

from akoolflow import Flow
from akoolflow.events import TurnFinished

PIPELINE = Path(__file__).with_name("pipeline.toml")


async def main() -> None:
    async with Flow.from_file(PIPELINE) as flow, flow.session() as session, session.events() as events:
        await session.say("Welcome.")
        await session.wait_idle()
        await session.utter("When do you open?")
        async for event in events:
            if isinstance(event, TurnFinished) and event.brain:
                print(f"{event.brain} answered: {event.text.heard}")
                break


if __name__ == "__main__":
    anyio.run(main)
