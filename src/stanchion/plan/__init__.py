"""Pure judgement."""
