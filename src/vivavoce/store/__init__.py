"""Postgres, the only store: the embedded server, migrations, and queries as a tenant."""
