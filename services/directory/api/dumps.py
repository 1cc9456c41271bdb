"""The dumps of open data, as they lie in their folder: any process that sees it can serve them."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel

from services.directory.domain.dumps import DESCRIPTOR, moment_of
from services.directory.exporting.dump import MEDIA_TYPES, names
from shared.conditional import is_known
from shared.errors import Problem

router = APIRouter()

LATEST = "latest"
MAX_AGE = 300
"""Seconds for which a copy of the latest one is good enough."""
FOR_EVER = 31_536_000
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {one: {} for one in MEDIA_TYPES.values()}},
    206: {"description": "A part of it"},
    304: {"description": "The copy is still good"},
}


class DumpNotFound(Problem):
    """No dump has this name, or this file."""

    type = "dump-not-found"
    status = 404
    title = "Cet export n'existe pas, ou pas encore."


class DumpOut(BaseModel):
    """A dump; its files are under `/dumps/{name}/`."""

    name: str
    made_at: AwareDatetime
    package: dict[str, Any]
    """Its `datapackage.json` (Data Package 2.0): files, sizes, checksums, licence."""


class DumpsOut(BaseModel):
    """The dumps that are kept, newest first; `latest` is a name too."""

    items: list[DumpOut]


@router.get("/dumps", include_in_schema=False)
@router.get("/dumps/")
async def list_dumps(request: Request) -> DumpsOut:
    """The dumps of open data that are kept."""
    return await asyncio.to_thread(_list, _folder(request))


@router.head("/dumps/{name}/{path}", include_in_schema=False)
@router.get("/dumps/{name}/{path}", response_class=FileResponse, responses=_FILE)
async def get_dump_file(request: Request, name: str, path: str) -> Response:
    """A file of a dump; `latest` is the newest one."""
    folder = _folder(request)
    known = await asyncio.to_thread(names, folder) if folder else []
    dump = known[-1] if known and name == LATEST else name
    if not folder or dump not in known or path not in MEDIA_TYPES:
        raise DumpNotFound(name=name, file=path)
    stored = folder / dump / path
    age = MAX_AGE if name == LATEST else FOR_EVER
    headers = {
        "Cache-Control": f"public, max-age={age}",
        # where these very bytes stay, while the latest ones become others
        "Content-Location": f"/dumps/{dump}/{path}",
    }
    found = await asyncio.to_thread(stored.stat)
    answer = FileResponse(stored, headers=headers, media_type=MEDIA_TYPES[path], stat_result=found)
    changed_at = datetime.fromtimestamp(int(found.st_mtime), UTC)
    if is_known(request, answer.headers["etag"], changed_at):
        kept = {key: answer.headers[key] for key in (*headers, "etag", "last-modified")}
        return Response(status_code=304, headers=kept)
    return answer


def _folder(request: Request) -> Path | None:
    folder: Path | None = request.app.state.settings.dumps_dir
    return folder


def _list(folder: Path | None) -> DumpsOut:
    found = names(folder) if folder else []
    return DumpsOut(items=[_read(folder, name) for name in reversed(found)] if folder else [])


def _read(folder: Path, name: str) -> DumpOut:
    package = json.loads((folder / name / DESCRIPTOR).read_text("utf-8"))
    made_at = moment_of(name)
    return DumpOut.model_validate({"name": name, "made_at": made_at, "package": package})
