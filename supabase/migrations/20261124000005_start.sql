-- The steps of a start, each one statement and one round trip. A function takes its role for the
-- length of its transaction: each is called alone, by the login itself.

-- Admits a session if its tenant may have one more, under the claims of whoever asks: row-level
-- security applies as to any of his statements. Starts of one tenant take turns, so that none slips past the quota.
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
  end
  $$;

revoke all on function viva.admit_session(text, jsonb, text[], text) from public;
grant execute on function viva.admit_session(text, jsonb, text[], text) to authenticator;

-- Gives a machine to a session, once and for all. False if it serves, or served, another session, or
-- is gone, or the session has a machine.
create function viva.book_machine(machine uuid, session uuid, tenant uuid) returns boolean
  language plpgsql
  set search_path = ''
  as $$
  begin
    perform set_config('role', 'service_role', true);
    update public.machines set
      state = 'claimed', session_id = session, tenant_id = tenant, claimed_at = now()
      where id = machine and state = 'ready' and (session_id is null or session_id = session);
    return found;
  exception
    when unique_violation then
      return false;
  end
  $$;

-- Says that a session can be connected to. False if it was ended while it started.
create function viva.note_ready(claims text, session uuid, region text, isolation text)
  returns boolean
  language plpgsql
  set search_path = ''
  as $$
  begin
    perform set_config('request.jwt.claims', claims, true),
            set_config('role', 'authenticated', true);
    update public.interview_sessions s set
      status = 'ready', region = coalesce(note_ready.region, s.region),
      isolation = note_ready.isolation
      where s.id = session and s.status = 'provisioning';
    return found;
  end
  $$;

revoke all on function viva.book_machine(uuid, uuid, uuid),
  viva.note_ready(text, uuid, text, text) from public;
grant execute on function viva.book_machine(uuid, uuid, uuid),
  viva.note_ready(text, uuid, text, text) to authenticator;
