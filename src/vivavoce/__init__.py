"""Self-hosted, multi-tenant platform for spoken AI interviews."""
