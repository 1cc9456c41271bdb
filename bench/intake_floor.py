"""The floor of `bench.intake`: the least that could take a signed delivery.

Started as `python -m bench.intake_floor PORT`, with `MONGO_URL` and `SECRET`.
"""

import base64
import hashlib
import hmac
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from motor.motor_asyncio import AsyncIOMotorClient

KEY = base64.b64decode(os.environ.get("SECRET", "").removeprefix("whsec_"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One connection."""
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(os.environ["MONGO_URL"])
    app.state.deliveries = client["bench_floor"]["deliveries"]
    yield
    client.close()


app = FastAPI(lifespan=lifespan)


@app.post("/events", status_code=202)
async def take(request: Request) -> dict[str, str]:
    """Verify the signature, insert one document."""
    body = await request.body()
    given = request.headers
    signed = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    if not hmac.compare_digest(f"v1,{mac}", given["webhook-signature"]):
        raise HTTPException(401)
    await request.app.state.deliveries.insert_one({"_id": given["webhook-id"], "body": body})
    return {"delivery": given["webhook-id"]}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
