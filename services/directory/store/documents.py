"""How models are kept: under their id."""

from typing import Any

from pydantic import BaseModel

from shared.database import Document


def document(model: BaseModel, *, sparse: bool = False) -> Document:
    """What the database keeps of a model that has an `id`; if sparse, no key where there is none.

    A sparse index would hold a none, and a proposal to empty a field is one.
    """
    fields = model.model_dump(exclude_none=sparse)
    return {"_id": fields.pop("id"), **fields}


def fields(document: Document) -> dict[str, Any]:
    """A model's fields, from what the database keeps."""
    return {**document, "id": document["_id"]}
