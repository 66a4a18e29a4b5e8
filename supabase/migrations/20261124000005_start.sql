-- Admits a session if its tenant may have one more, under the claims of whoever asks: row-level
-- security applies as to any of his statements. One call, so that a start waits for one round trip.
-- Starts of one tenant take turns, so that none slips past the quota.
--
-- Says `admitted`, `known` (the caller has a session with this key), `full` or `no_tenant`, and how
-- many live sessions are allowed at once.
create function viva.admit_session(
  claims text, session jsonb, live_statuses text[], request_id text,
  out outcome text, out allowed integer
)
  language plpgsql
  set search_path = ''
  as $$
  declare
    tenant constant uuid := (session ->> 'tenantId')::uuid;
    caller constant uuid := (session ->> 'userId')::uuid;
  begin
    perform set_config('request.jwt.claims', claims, true),
            set_config('role', 'authenticated', true);
    perform pg_advisory_xact_lock(hashtextextended('viva.admit_session ' || tenant, 0));
    select max_concurrent_sessions into allowed from public.tenants where id = tenant;
    if not found then
      outcome := 'no_tenant';
    elsif exists (
      select from public.interview_sessions
      where tenant_id = tenant and user_id = caller
        and idempotency_key = session ->> 'idempotencyKey'
    ) then
      outcome := 'known';
    elsif (
      select count(*) from public.interview_sessions
      where tenant_id = tenant and status = any (live_statuses)
    ) >= allowed then
      outcome := 'full';
    else
      insert into public.interview_sessions (
        id, tenant_id, user_id, architecture, config, created_at, expires_at, company_id,
        session_data, candidate, region, idempotency_key
      ) values (
        (session ->> 'id')::uuid, tenant, caller, session ->> 'architecture', session -> 'config',
        (session ->> 'createdAt')::timestamptz, (session ->> 'expiresAt')::timestamptz,
        (session ->> 'companyId')::uuid, nullif(session -> 'sessionData', 'null'),
        nullif(session -> 'candidate', 'null'), session ->> 'region',
        session ->> 'idempotencyKey'
      );
      insert into public.audit_log (tenant_id, actor, action, object, request_id)
        values (tenant, caller, 'session.start', session ->> 'id', request_id);
      outcome := 'admitted';
    end if;
    perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  end
  $$;

revoke all on function viva.admit_session(text, jsonb, text[], text) from public;
grant execute on function viva.admit_session(text, jsonb, text[], text) to authenticator;
