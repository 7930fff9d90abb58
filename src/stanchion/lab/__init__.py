"""Pretend hosts made of processes."""
