"""Queries of the directory, one class per collection."""

from services.directory.store import claims, notices, proposals, venues

INDEXES = (*venues.INDEXES, *proposals.INDEXES, *notices.INDEXES, *claims.INDEXES)
