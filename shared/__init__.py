"""Mechanism and contracts that the services share; no business rule lives here."""
