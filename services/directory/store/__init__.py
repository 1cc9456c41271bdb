"""Queries of the directory, one class per collection."""

from services.directory.store import duplicates, proposals, venues

INDEXES = (*venues.INDEXES, *proposals.INDEXES, *duplicates.INDEXES)
