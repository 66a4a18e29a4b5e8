"""Pure rules of an interview: no I/O, no clock, no event loop. Time is always an argument."""
