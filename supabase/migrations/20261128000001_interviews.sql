-- Interviews as recruiters plan them, invitations that let one candidate each in, what candidates
-- agreed to, and links that let a recruiter into the console.
--
-- An invitation's token (claim `invitation_id`) reads its invitation, what was agreed to, and the
-- sessions that were started with it. It reads no interview: weights and notes stand there.

create table interviews (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  company_id uuid,
  author_id uuid not null,
  title text not null check (char_length(title) between 1 and 200),
  role text not null default '' check (char_length(role) <= 200),
  language text not null default 'en'
    constraint interviews_language check (language ~ '^[a-z]{2}$'),
  questions jsonb not null constraint interviews_questions_size check (
    octet_length(questions::text) <= 524288
  ),
  competencies jsonb not null default '[]' constraint interviews_competencies_size check (
    octet_length(competencies::text) <= 131072
  ),
  max_duration integer not null default 1800
    constraint interviews_max_duration check (max_duration between 60 and 3600),
  voice text check (char_length(voice) between 1 and 64),
  guidance text not null default '' check (char_length(guidance) <= 4000),
  closing text not null default '' check (char_length(closing) <= 1000),
  notes text not null default '' check (char_length(notes) <= 10000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint interviews_id_tenant_key unique (id, tenant_id),
  constraint interviews_company_fkey
    foreign key (company_id, tenant_id) references companies (id, tenant_id)
);
create index interviews_tenant_created on interviews (tenant_id, created_at desc, id);
create index interviews_company on interviews (company_id, tenant_id);

create table invitations (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null,
  interview_id uuid not null,
  author_id uuid not null,
  -- SHA-256 of the link's secret, which is kept nowhere.
  token_hash bytea not null
    constraint invitations_token_hash_size check (octet_length(token_hash) = 32),
  candidate jsonb constraint invitations_candidate_size check (
    octet_length(candidate::text) <= 4096
  ),
  max_uses integer not null default 1
    constraint invitations_max_uses check (max_uses between 1 and 20),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  opened_at timestamptz,
  revoked_at timestamptz,
  constraint invitations_token_key unique (token_hash),
  constraint invitations_id_tenant_key unique (id, tenant_id),
  constraint invitations_interview_fkey
    foreign key (interview_id, tenant_id) references interviews (id, tenant_id) on delete cascade
);
create index invitations_interview on invitations (tenant_id, interview_id, created_at desc, id);

-- Only ever added to: what somebody agreed to stays as it was agreed to.
create table consents (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null,
  invitation_id uuid not null,
  text_version text not null check (char_length(text_version) between 1 and 64),
  agreed jsonb not null constraint consents_agreed_size check (
    octet_length(agreed::text) <= 16384
  ),
  created_at timestamptz not null default now(),
  constraint consents_once_key unique (tenant_id, invitation_id, text_version),
  constraint consents_invitation_fkey
    foreign key (invitation_id, tenant_id) references invitations (id, tenant_id)
    on delete cascade
);

-- For the control plane alone.
create table console_links (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  user_id uuid not null,
  token_hash bytea not null
    constraint console_links_token_hash_size check (octet_length(token_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint console_links_token_key unique (token_hash)
);
create index console_links_tenant on console_links (tenant_id);

-- An interview or invitation with sessions cannot be deleted: erase those first.
alter table interview_sessions
  add column interview_id uuid,
  add column invitation_id uuid,
  add constraint interview_sessions_interview_fkey
    foreign key (interview_id, tenant_id) references interviews (id, tenant_id),
  add constraint interview_sessions_invitation_fkey
    foreign key (invitation_id, tenant_id) references invitations (id, tenant_id);
create index interview_sessions_interview on interview_sessions (interview_id, tenant_id)
  where interview_id is not null;
create index interview_sessions_invitation on interview_sessions (invitation_id, tenant_id)
  where invitation_id is not null;

-- The invitation that a token speaks for, or null.
create function viva.invitation_id() returns uuid
  language sql stable
  set search_path = ''
  as $$ select (viva.claims() ->> 'invitation_id')::uuid $$;
revoke all on function viva.invitation_id() from public;
grant execute on function viva.invitation_id()
  to anon, authenticated, service_role, transcript_writer;

-- The one session that a token is limited to, or null: a recruiter's token has none. An
-- invitation's is limited to one that is never there.
create or replace function viva.session_id() returns uuid
  language sql stable
  set search_path = ''
  as $$
    select coalesce(
      (viva.claims() ->> 'session_id')::uuid,
      case when viva.claims() ? 'invitation_id'
        then '00000000-0000-0000-0000-000000000000'::uuid end
    )
  $$;

do $$
declare
  name text;
begin
  foreach name in array array['interviews', 'invitations', 'consents', 'console_links'] loop
    execute format('alter table public.%I enable row level security', name);
    execute format('alter table public.%I force row level security', name);
    execute format('revoke all on public.%I from public, anon, authenticated, service_role,'
      ' transcript_writer', name);
  end loop;
end
$$;

grant select, insert, update, delete on interviews, invitations, console_links to service_role;
grant select, insert on consents to service_role;

grant select, insert, delete on interviews to authenticated;
grant update (
    company_id, title, role, language, questions, competencies, max_duration, voice, guidance,
    closing, notes, updated_at
  ) on interviews to authenticated;
-- The hash is for the control plane, which looks an invitation up by it.
grant select (
    id, tenant_id, interview_id, author_id, candidate, max_uses, created_at, expires_at, opened_at,
    revoked_at
  ) on invitations to authenticated;
grant insert on invitations to authenticated;
grant update (revoked_at) on invitations to authenticated;
grant select on consents to authenticated;

create policy interviews_select on interviews for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy interviews_insert on interviews for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
create policy interviews_update on interviews for update to authenticated
  using (tenant_id = (select viva.tenant_id()))
  with check (tenant_id = (select viva.tenant_id()));
create policy interviews_delete on interviews for delete to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy interviews_recruiter on interviews as restrictive for all to authenticated
  using ((select viva.session_id()) is null);

create policy invitations_select on invitations for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy invitations_insert on invitations for insert to authenticated
  with check (tenant_id = (select viva.tenant_id()));
create policy invitations_update on invitations for update to authenticated
  using (tenant_id = (select viva.tenant_id()))
  with check (tenant_id = (select viva.tenant_id()));
create policy invitations_own on invitations as restrictive for all to authenticated
  using ((select viva.session_id()) is null or id = (select viva.invitation_id()));
create policy invitations_recruiter_inserts on invitations as restrictive
  for insert to authenticated with check ((select viva.session_id()) is null);
create policy invitations_recruiter_updates on invitations as restrictive
  for update to authenticated using ((select viva.session_id()) is null);

create policy consents_select on consents for select to authenticated
  using (tenant_id = (select viva.tenant_id()));
create policy consents_own on consents as restrictive for all to authenticated
  using ((select viva.session_id()) is null or invitation_id = (select viva.invitation_id()));

alter policy interview_sessions_own on interview_sessions
  using (
    (select viva.session_id()) is null
    or id = (select viva.session_id())
    or invitation_id = (select viva.invitation_id())
  );

-- Why an invitation allows no further session, or null if it does: `no_invitation`, `revoked`,
-- `expired`, `no_consent`, `used`. The row is locked, so that it cannot be revoked meanwhile. A
-- session that failed to start used nothing up.
create function viva.invitation_refusal(invitation uuid, consent_version text) returns text
  language plpgsql
  set search_path = ''
  as $$
  declare
    held record;
  begin
    select id, tenant_id, max_uses, expires_at, revoked_at into held
      from public.invitations where id = invitation for update;
    if not found then
      return 'no_invitation';
    elsif held.revoked_at is not null then
      return 'revoked';
    elsif held.expires_at <= now() then
      return 'expired';
    elsif not exists (
      select from public.consents c
      where c.tenant_id = held.tenant_id and c.invitation_id = held.id
        and c.text_version = consent_version
    ) then
      return 'no_consent';
    elsif (
      select count(*) from public.interview_sessions s
      where s.invitation_id = held.id and s.tenant_id = held.tenant_id and s.status <> 'failed'
    ) >= held.max_uses then
      return 'used';
    end if;
    return null;
  end
  $$;
revoke all on function viva.invitation_refusal(uuid, text) from public;
grant execute on function viva.invitation_refusal(uuid, text) to authenticated;

-- As before, and with an invitation: besides `admitted`, `known`, `full` and `no_tenant` it says
-- what `viva.invitation_refusal` says.
create or replace function viva.admit_session(
  claims text, session jsonb, live_statuses text[], request_id text,
  out outcome text, out allowed integer
)
  language plpgsql
  set search_path = ''
  as $$
  declare
    tenant constant uuid := (session ->> 'tenantId')::uuid;
    caller constant uuid := (session ->> 'userId')::uuid;
    invitation constant uuid := (session ->> 'invitationId')::uuid;
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
    elsif invitation is not null then
      outcome := viva.invitation_refusal(invitation, session ->> 'consentVersion');
    end if;
    if outcome is not null then
      return;
    end if;
    if (
      select count(*) from public.interview_sessions
      where tenant_id = tenant and status = any (live_statuses)
    ) >= allowed then
      outcome := 'full';
      return;
    end if;
    insert into public.interview_sessions (
      id, tenant_id, user_id, architecture, config, created_at, expires_at, company_id,
      session_data, candidate, region, idempotency_key, interview_id, invitation_id
    ) values (
      (session ->> 'id')::uuid, tenant, caller, session ->> 'architecture', session -> 'config',
      (session ->> 'createdAt')::timestamptz, (session ->> 'expiresAt')::timestamptz,
      (session ->> 'companyId')::uuid, nullif(session -> 'sessionData', 'null'),
      nullif(session -> 'candidate', 'null'), session ->> 'region',
      session ->> 'idempotencyKey', (session ->> 'interviewId')::uuid, invitation
    );
    insert into public.audit_log (tenant_id, actor, action, object, request_id)
      values (tenant, caller, 'session.start', session ->> 'id', request_id);
    outcome := 'admitted';
  end
  $$;
