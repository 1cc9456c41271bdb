"""The services, one package each; they share events only, never code."""
