"""The directory by territory, for pages that show how it fares."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from services.directory.domain.overview import Kind, Overview, Territory
from services.directory.use_cases.territories import Overviews, find
from shared.conditional import answer
from shared.database import now

router = APIRouter()

MAX_AGE = 60
"""Seconds for which a copy is good enough."""


class TerritoryOut(BaseModel):
    """A region with its departments, or a department, and what is counted there."""

    territory: Territory
    departments: list[Territory]
    """Of a region; none of a department."""


@router.get("/territories", response_class=Response, responses={200: {"model": Overview}})
async def list_territories(request: Request) -> Response:
    """What is counted in all, in each region and department, and of the sheets in none."""
    return _answer(request, await _newest(request))


@router.get(
    "/territories/{kind}/{code}", response_class=Response, responses={200: {"model": TerritoryOut}}
)
async def get_territory(
    request: Request, kind: Kind, code: Annotated[str, Path(max_length=3)]
) -> Response:
    """What is counted in a region, and in each of its departments; or in a department."""
    made = await _newest(request)
    found = find(made, kind, code.upper())
    inside = [one for one in made.departments if kind == "region" and one.region == found.code]
    return _answer(request, TerritoryOut(territory=found, departments=inside))


async def _newest(request: Request) -> Overview:
    overviews: Overviews = request.app.state.overviews
    return await overviews.newest(request.app.state.search.index, now())


def _answer(request: Request, body: Overview | TerritoryOut) -> Response:
    moment = now()
    raw = to_json(body)
    return answer(request, raw, "application/json", changed_at=moment, now=moment, max_age=MAX_AGE)
