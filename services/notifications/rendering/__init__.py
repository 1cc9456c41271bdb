"""Mails in French, from an event: words, layout, and the message for one address."""
