"""JSON read strictly, under the name it had here."""

from shared.strict_json import read_json

__all__ = ["read_json"]
