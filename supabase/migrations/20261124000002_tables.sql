-- Every row carries its tenant, and every reference carries it too: a foreign key is checked
-- outside row-level security, so one without the tenant would accept another tenant's row.

create table tenants (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 200),
  max_concurrent_sessions integer not null default 100 check (max_concurrent_sessions >= 0),
  retention_days integer check (retention_days > 0),
  created_at timestamptz not null default now()
);

create table companies (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  constraint companies_id_tenant_key unique (id, tenant_id)
);
create index companies_tenant on companies (tenant_id);

create table interview_sessions (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  company_id uuid,
  user_id uuid not null,
  candidate_id uuid,
  architecture text not null default 'hybrid'
    constraint interview_sessions_architecture check (architecture in ('hybrid', 'direct')),
  status text not null default 'provisioning'
    constraint interview_sessions_status check (
      status in ('provisioning', 'ready', 'active', 'reconnecting', 'ending', 'ended', 'failed')
    ),
  end_reason text
    constraint interview_sessions_end_reason check (
      end_reason in (
        'completed', 'candidate_left', 'max_duration', 'idle', 'ended_by_recruiter', 'call_lost',
        'revoked'
      )
    ),
  transcript_complete boolean,
  session_data jsonb constraint interview_sessions_data_size check (
    octet_length(session_data::text) <= 32768
  ),
  config jsonb not null default '{}' constraint interview_sessions_config_size check (
    octet_length(config::text) <= 262144
  ),
  candidate jsonb constraint interview_sessions_candidate_size check (
    octet_length(candidate::text) <= 4096
  ),
  region text check (char_length(region) <= 64),
  isolation text check (char_length(isolation) <= 64),
  idempotency_key text
    constraint interview_sessions_idempotency_length
    check (char_length(idempotency_key) between 1 and 255),
  failure jsonb,
  last_position integer not null default 0,
  last_change bigint not null default 0,
  item_count integer,
  created_at timestamptz not null default now(),
  active_at timestamptz,
  ended_at timestamptz,
  expires_at timestamptz not null default now() + interval '2 hours',
  revoked_at timestamptz,
  constraint interview_sessions_id_tenant_key unique (id, tenant_id),
  constraint interview_sessions_idempotency_key unique (tenant_id, user_id, idempotency_key),
  constraint interview_sessions_company_fkey
    foreign key (company_id, tenant_id) references companies (id, tenant_id)
);
create index interview_sessions_tenant_created on interview_sessions (tenant_id, created_at desc, id);
create index interview_sessions_live on interview_sessions (tenant_id)
  where status not in ('ended', 'failed');
create index interview_sessions_company on interview_sessions (company_id, tenant_id);

create table transcript_entries (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  tenant_id uuid not null,
  item_id text not null check (char_length(item_id) between 1 and 128),
  revision integer not null default 0 check (revision >= 0),
  previous_item_id text check (char_length(previous_item_id) <= 128),
  position integer not null,
  change_seq bigint not null,
  speaker text not null constraint transcript_entries_speaker check (speaker in ('ai', 'candidate')),
  content text not null constraint transcript_entries_content_size check (
    octet_length(content) <= 65536
  ),
  -- Beyond these years drivers cannot read what Postgres can hold: one such row would spoil a
  -- whole transcript.
  timestamp timestamptz not null default now() constraint transcript_entries_timestamp check (
    timestamp between '2000-01-01 00:00:00+00' and '2100-01-01 00:00:00+00'
  ),
  source text not null default 'hybrid'
    constraint transcript_entries_source check (source in ('hybrid', 'direct')),
  witness text not null default 'sideband'
    constraint transcript_entries_witness check (witness in ('sideband', 'client')),
  final boolean not null default false,
  truncated boolean not null default false,
  confidence double precision check (confidence between 0 and 1),
  metadata jsonb constraint transcript_entries_metadata_size check (
    octet_length(metadata::text) <= 4096
  ),
  created_at timestamptz not null default now(),
  -- With two columns, another tenant's item would be taken for a duplicate, acknowledged and lost.
  constraint transcript_entries_item_key unique (tenant_id, session_id, item_id),
  constraint transcript_entries_session_fkey
    foreign key (session_id, tenant_id) references interview_sessions (id, tenant_id)
    on delete cascade
)
-- Plans for an empty table suit a full one badly: look again soon after it begins to fill.
with (autovacuum_analyze_threshold = 50, autovacuum_analyze_scale_factor = 0.05);
create index transcript_entries_order on transcript_entries (tenant_id, session_id, position);
create index transcript_entries_followers
  on transcript_entries (tenant_id, session_id, previous_item_id);
create index transcript_entries_changes on transcript_entries (tenant_id, session_id, change_seq);

create table session_calls (
  call_id text primary key check (char_length(call_id) between 1 and 128),
  session_id uuid not null,
  tenant_id uuid not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  hung_up_at timestamptz,
  constraint session_calls_session_fkey
    foreign key (session_id, tenant_id) references interview_sessions (id, tenant_id)
    on delete cascade
);
create index session_calls_session on session_calls (tenant_id, session_id);
create index session_calls_open on session_calls (created_at) where hung_up_at is null;

create table session_events (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  tenant_id uuid not null,
  seq bigint generated always as identity,
  type text not null check (char_length(type) between 1 and 64),
  data jsonb not null default '{}' constraint session_events_data_size check (
    octet_length(data::text) <= 16384
  ),
  created_at timestamptz not null default now(),
  constraint session_events_session_fkey
    foreign key (session_id, tenant_id) references interview_sessions (id, tenant_id)
    on delete cascade
);
create index session_events_session on session_events (tenant_id, session_id, seq);

create table token_revocations (
  jti text primary key check (char_length(jti) between 1 and 128),
  tenant_id uuid not null references tenants (id) on delete cascade,
  session_id uuid,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  constraint token_revocations_session_fkey
    foreign key (session_id, tenant_id) references interview_sessions (id, tenant_id)
    on delete cascade
);
create index token_revocations_tenant on token_revocations (tenant_id, session_id);

create table audit_log (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants (id) on delete cascade,
  actor text not null check (char_length(actor) <= 128),
  action text not null check (char_length(action) <= 64),
  object text not null check (char_length(object) <= 128),
  at timestamptz not null default now(),
  request_id text check (char_length(request_id) <= 128)
);
create index audit_log_tenant on audit_log (tenant_id, at);

-- What was erased, without what it said.
create table erasures (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  subject_hash text not null check (char_length(subject_hash) <= 128),
  at timestamptz not null default now(),
  by text not null check (char_length(by) <= 128),
  counts jsonb not null default '{}'
);
create index erasures_tenant on erasures (tenant_id, at);

-- The control plane's own books. No tenant reads them.

create table machines (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid,
  session_id uuid,
  provider text not null check (char_length(provider) <= 64),
  isolation text check (char_length(isolation) <= 64),
  region text check (char_length(region) <= 64),
  state text not null default 'requested'
    constraint machines_state check (
      state in ('requested', 'starting', 'ready', 'claimed', 'draining', 'gone', 'failed', 'lost')
    ),
  endpoint jsonb not null default '{}',
  created_at timestamptz not null default now(),
  claimed_at timestamptz,
  expires_at timestamptz not null,
  gone_at timestamptz,
  constraint machines_session_fkey
    foreign key (session_id, tenant_id) references interview_sessions (id, tenant_id)
    on delete set null (session_id)
);
create index machines_session on machines (session_id) where session_id is not null;
-- However many control planes notice a loss, one machine takes the session over.
create unique index machines_one_serving on machines (session_id) where state = 'claimed';
create index machines_live on machines (state) where state not in ('gone', 'failed', 'lost');

create table cleanup_jobs (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (char_length(kind) <= 64),
  session_id uuid,
  payload jsonb not null default '{}',
  run_at timestamptz not null default now(),
  attempts integer not null default 0,
  locked_until timestamptz,
  last_error text check (char_length(last_error) <= 2000),
  done_at timestamptz,
  created_at timestamptz not null default now()
);
create index cleanup_jobs_due on cleanup_jobs (run_at) where done_at is null;
