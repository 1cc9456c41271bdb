"""Queries of the directory, one class per collection."""

from services.directory.store import claims, proposals, stops, venues

INDEXES = (*venues.INDEXES, *proposals.INDEXES, *claims.INDEXES, *stops.INDEXES)
