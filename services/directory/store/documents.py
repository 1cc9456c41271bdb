"""How models are kept: under their id."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from shared.database import Document

ASKED = 100
"""Ids of one question."""


def document(model: BaseModel) -> Document:
    """What the database keeps of a model that has an `id`."""
    fields = model.model_dump()
    return {"_id": fields.pop("id"), **fields}


def fields(document: Document) -> dict[str, Any]:
    """A model's fields, from what the database keeps."""
    return {**document, "id": document["_id"]}


def in_parts(ids: Sequence[str]) -> Iterator[list[str]]:
    """Ids for one `$in` each: the embedded database takes a long one in quadratic time."""
    for first in range(0, len(ids), ASKED):
        yield list(ids[first : first + ASKED])
