-- Roles and claims as Supabase has them, made only where they are missing, and one role of ours. The
-- application logs in as `authenticator`, which may do nothing but become one of these for the
-- length of a transaction.

do $$
begin
  if to_regrole('anon') is null then
    create role anon nologin noinherit;
  end if;
  if to_regrole('authenticated') is null then
    create role authenticated nologin noinherit;
  end if;
  if to_regrole('service_role') is null then
    create role service_role nologin noinherit bypassrls;
  end if;
  if to_regrole('authenticator') is null then
    create role authenticator login noinherit;
  end if;
  -- Taken by `viva.ingest` alone: whoever reads transcripts may not write them past it.
  if to_regrole('transcript_writer') is null then
    create role transcript_writer nologin noinherit;
  end if;
end
$$;

grant anon, authenticated, service_role, transcript_writer to authenticator;

create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role;
grant usage on schema public to anon, authenticated, service_role, transcript_writer;

do $$
begin
  if to_regprocedure('auth.jwt()') is null then
    create function auth.jwt() returns jsonb
      language sql stable
      set search_path = ''
      as $body$
        select nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb
      $body$;
    grant execute on function auth.jwt() to anon, authenticated, service_role;
  end if;
  if to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid
      language sql stable
      set search_path = ''
      as $body$ select (auth.jwt() ->> 'sub')::uuid $body$;
    grant execute on function auth.uid() to anon, authenticated, service_role;
  end if;
  if to_regprocedure('auth.role()') is null then
    create function auth.role() returns text
      language sql stable
      set search_path = ''
      as $body$ select auth.jwt() ->> 'role' $body$;
    grant execute on function auth.role() to anon, authenticated, service_role;
  end if;
end
$$;

-- What our policies ask for. They read the claims themselves, since `transcript_writer` has no
-- business in `auth`.
create schema if not exists viva;
grant usage on schema viva to anon, authenticated, service_role, transcript_writer, authenticator;

create function viva.claims() returns jsonb
  language sql stable
  set search_path = ''
  as $$ select nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb $$;

-- The tenant of a token: at top level in ours, in `app_metadata` in a Supabase user's.
create function viva.tenant_id() returns uuid
  language sql stable
  set search_path = ''
  as $$
    select coalesce(
      viva.claims() ->> 'tenant_id', viva.claims() -> 'app_metadata' ->> 'tenant_id'
    )::uuid
  $$;

-- The one session that a token is limited to, or null: a recruiter's token has none.
create function viva.session_id() returns uuid
  language sql stable
  set search_path = ''
  as $$ select (viva.claims() ->> 'session_id')::uuid $$;

revoke all on function viva.claims(), viva.tenant_id(), viva.session_id() from public;
grant execute on function viva.claims(), viva.tenant_id(), viva.session_id()
  to anon, authenticated, service_role, transcript_writer;
