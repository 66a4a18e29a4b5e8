"""The store's tests run on the embedded server."""

from support.postgres import admin_dsn, database, database_name, dsn, postgres

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]
