"""The `viva` command: the composition root, and the only place that picks implementations."""
