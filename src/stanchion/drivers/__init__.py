"""The host's adapters."""
