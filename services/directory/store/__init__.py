"""Queries of the directory, one class per collection."""

from services.directory.store import notices, proposals, venues

INDEXES = (*venues.INDEXES, *proposals.INDEXES, *notices.INDEXES)
