"""Machines: one for each session, got from a provider, reached over a private channel."""
