"""What the platform costs, beside what it could cost: `python -m bench`, `python -m bench.soak`."""
