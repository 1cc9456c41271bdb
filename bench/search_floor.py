"""The floors of `bench.search`: bare endpoints that return a constant answer of the same size.

Started as `python -m bench.search_floor PORT`, with `ANSWER` (a file of JSON).
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response

ANSWER = Path(os.environ["ANSWER"]).read_bytes()
PARSED: dict[str, Any] = json.loads(ANSWER)

app = FastAPI()


@app.get("/bytes")
async def octets() -> Response:
    """The answer as bytes, made once."""
    return Response(ANSWER, media_type="application/json")


@app.get("/object")
async def structure() -> dict[str, Any]:
    """The answer as the framework writes it."""
    return PARSED


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, server_header=False)
