-- The colour of a tenant's pages, as `viva accent` has checked it; null: the pages' own.
alter table tenants
  add column accent text constraint tenants_accent check (accent ~ '^#[0-9a-f]{6}$');
