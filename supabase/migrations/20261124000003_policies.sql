-- Who may do what. Row-level security is on and forced on every table; a table without a policy
-- for a verb refuses it. Claims stand in a sub-select, so that they are read once per statement
-- and can use an index.
--
-- A token for one session (a candidate's, a machine's) reads that session, its transcript, its
-- events and its own revocation, and writes nothing: what it asks for, the control plane does.

do $$
declare
  name text;
begin
  foreach name in array array[
    'tenants', 'companies', 'interview_sessions', 'transcript_entries', 'session_calls',
    'session_events', 'token_revocations', 'audit_log', 'erasures', 'machines', 'cleanup_jobs'
  ] loop
    execute format('alter table public.%I enable row level security', name);
    execute format('alter table public.%I force row level security', name);
    execute format('revoke all on public.%I from public, anon, authenticated, service_role,'
      ' transcript_writer', name);
  end loop;
end
$$;

grant select, insert, update, delete on
  tenants, companies, interview_sessions, transcript_entries, session_calls, session_events,
  token_revocations, machines, cleanup_jobs
  to service_role;
grant select, insert on audit_log, erasures to service_role;

grant select on tenants, companies, interview_sessions, transcript_entries, session_calls,
  session_events, token_revocations, audit_log, erasures to authenticated;
grant insert on companies, interview_sessions, session_calls, session_events, token_revocations,
  audit_log to authenticated;
grant update (
    company_id, status, end_reason, transcript_complete, session_data, candidate, region, isolation,
    idempotency_key, failure, item_count, active_at, ended_at, expires_at, revoked_at
  ) on interview_sessions to authenticated;
grant update (ended_at, hung_up_at) on session_calls to authenticated;
grant delete on interview_sessions to authenticated;

grant select, update (last_position, last_change) on interview_sessions to transcript_writer;
grant select, insert, update on transcript_entries to transcript_writer;

create policy tenants_select on tenants for select to authenticated
  using (id = (select viva.tenant_id()));
create policy tenants_recruiter on tenants as restrictive for all to authenticated
  using ((select viva.session_id()) is null);

create policy companies_select on companies for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy companies_insert on companies for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
create policy companies_recruiter on companies as restrictive for all to authenticated
  using ((select viva.session_id()) is null);

create policy interview_sessions_select on interview_sessions
  for select to authenticated, transcript_writer
  using (tenant_id = (select viva.tenant_id()));
create policy interview_sessions_insert on interview_sessions for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
create policy interview_sessions_update on interview_sessions
  for update to authenticated, transcript_writer
  using (tenant_id = (select viva.tenant_id()))
  with check (tenant_id = (select viva.tenant_id()));
create policy interview_sessions_delete on interview_sessions for delete to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy interview_sessions_own on interview_sessions as restrictive
  for all to authenticated, transcript_writer
  using ((select viva.session_id()) is null or id = (select viva.session_id()));
create policy interview_sessions_recruiter_inserts on interview_sessions as restrictive
  for insert to authenticated with check ((select viva.session_id()) is null);
create policy interview_sessions_recruiter_updates on interview_sessions as restrictive
  for update to authenticated using ((select viva.session_id()) is null);
create policy interview_sessions_recruiter_deletes on interview_sessions as restrictive
  for delete to authenticated using ((select viva.session_id()) is null);

create policy transcript_entries_select on transcript_entries
  for select to authenticated, transcript_writer
  using (tenant_id = (select viva.tenant_id()));
create policy transcript_entries_insert on transcript_entries for insert to transcript_writer
  with check (tenant_id = (select viva.tenant_id()));
create policy transcript_entries_update on transcript_entries for update to transcript_writer
  using (tenant_id = (select viva.tenant_id()))
  with check (tenant_id = (select viva.tenant_id()));
create policy transcript_entries_own on transcript_entries as restrictive
  for all to authenticated, transcript_writer
  using ((select viva.session_id()) is null or session_id = (select viva.session_id()));

create policy session_calls_select on session_calls for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy session_calls_insert on session_calls for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
create policy session_calls_update on session_calls for update to authenticated
  using (tenant_id = (select viva.tenant_id()))
  with check (tenant_id = (select viva.tenant_id()));
create policy session_calls_recruiter on session_calls as restrictive for all to authenticated
  using ((select viva.session_id()) is null);

create policy session_events_select on session_events for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy session_events_insert on session_events for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
create policy session_events_own on session_events as restrictive for all to authenticated
  using ((select viva.session_id()) is null or session_id = (select viva.session_id()));
create policy session_events_recruiter_inserts on session_events as restrictive
  for insert to authenticated with check ((select viva.session_id()) is null);

create policy token_revocations_select on token_revocations for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy token_revocations_insert on token_revocations for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
-- A token may learn that it was itself taken back.
create policy token_revocations_own on token_revocations as restrictive for all to authenticated
  using ((select viva.session_id()) is null or jti = (select viva.claims() ->> 'jti'));
create policy token_revocations_recruiter_inserts on token_revocations as restrictive
  for insert to authenticated with check ((select viva.session_id()) is null);

create policy audit_log_select on audit_log for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy audit_log_insert on audit_log for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
create policy audit_log_recruiter on audit_log as restrictive for all to authenticated
  using ((select viva.session_id()) is null);

create policy erasures_select on erasures for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy erasures_recruiter on erasures as restrictive for all to authenticated
  using ((select viva.session_id()) is null);
