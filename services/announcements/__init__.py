"""Announcements: calls already published elsewhere, relayed until their last day."""
