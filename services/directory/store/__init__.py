"""Queries of the directory, one class per collection."""

from services.directory.store import (
    claims,
    duplicates,
    mediators,
    notices,
    proposals,
    stops,
    venues,
)

INDEXES = (
    *venues.INDEXES,
    *proposals.INDEXES,
    *notices.INDEXES,
    *claims.INDEXES,
    *stops.INDEXES,
    *mediators.INDEXES,
    *duplicates.INDEXES,
)
