"""How we know the other side (RFC 8446, RFC 9525): by the system's authorities.

Made once, when the module is loaded: the certificates take time to read, and megabytes that forked
processes can share.
"""

import ssl
from typing import Final

TLS: Final = ssl.create_default_context()
