"""The house with pretend weather."""
