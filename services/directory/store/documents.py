"""How models are kept: under their id."""

from typing import Any

from pydantic import BaseModel

from shared.database import Document


def document(model: BaseModel) -> Document:
    """What the database keeps of a model that has an `id`."""
    fields = model.model_dump()
    return {"_id": fields.pop("id"), **fields}


def fields(document: Document) -> dict[str, Any]:
    """A model's fields, from what the database keeps."""
    return {**document, "id": document["_id"]}
