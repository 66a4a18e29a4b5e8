"""The SDP proxy: the program on a session's machine.

It takes all that it needs from the claim. Slim on purpose: no web framework, no settings, no log
library, no database.
"""
