"""Writes ``docs/openapi.json``, the committed description of the API: see ``scripts/contract``."""

import asyncio
import json
from pathlib import Path

from stanchion import __version__
from surface import World

PAGE = Path(__file__).parents[2] / "docs/openapi.json"


def page() -> str:
    """Give the description, as this version of the product answers it."""
    async def made() -> str:
        app = World().app()
        return json.dumps(app.openapi() | {"info": app.openapi()["info"] | {"version": __version__}}, indent=1,
                          sort_keys=True, ensure_ascii=False) + "\n"

    return asyncio.run(made())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
