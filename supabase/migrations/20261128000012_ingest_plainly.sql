-- What an entry costs is the code and the data that it touches. A constraint of the table is read from
-- its text and compiled for each statement; that of a type is kept. So the same checks, by types.

create domain viva.item_id as text
  constraint item_id_length check (char_length(value) between 1 and 128);
create domain viva.item_name as text  -- of an item that may be elsewhere
  constraint item_name_length check (char_length(value) <= 128);
create domain viva.revision as integer constraint revision_range check (value >= 0);
create domain viva.speaker as text constraint speaker_known check (value in ('ai', 'candidate'));
create domain viva.content as text
  constraint content_size check (octet_length(value) <= 65536);
-- Beyond these years drivers cannot read what Postgres can hold: one such row would spoil a whole
-- transcript.
create domain viva.moment as timestamptz constraint moment_readable check (
  value between '2000-01-01 00:00:00+00' and '2100-01-01 00:00:00+00'
);
create domain viva.architecture as text
  constraint architecture_known check (value in ('hybrid', 'direct'));
create domain viva.witness as text
  constraint witness_known check (value in ('sideband', 'client'));
create domain viva.share as double precision constraint share_range check (value between 0 and 1);
create domain viva.measurements as jsonb
  constraint measurements_size check (octet_length(value::text) <= 4096);

alter table transcript_entries
  drop constraint transcript_entries_item_id_check,
  drop constraint transcript_entries_revision_check,
  drop constraint transcript_entries_previous_item_id_check,
  drop constraint transcript_entries_speaker,
  drop constraint transcript_entries_content_size,
  drop constraint transcript_entries_timestamp,
  drop constraint transcript_entries_source,
  drop constraint transcript_entries_witness,
  drop constraint transcript_entries_confidence_check,
  drop constraint transcript_entries_metadata_size,
  alter column item_id type viva.item_id,
  alter column revision type viva.revision,
  alter column previous_item_id type viva.item_name,
  alter column speaker type viva.speaker,
  alter column content type viva.content,
  alter column timestamp type viva.moment,
  alter column source type viva.architecture,
  alter column witness type viva.witness,
  alter column confidence type viva.share,
  alter column metadata type viva.measurements;

-- Stores entries of one session under the claims in force. Writers of one session take turns, so
-- that readers by `change_seq` miss nothing. An entry may bring its id: to make one here opens a file.
create or replace function viva.ingest_session(session uuid, entries jsonb, witness text)
  returns jsonb
  language plpgsql
  set search_path = ''
  set enable_seqscan = off  -- a small table becomes a large one while the plan is kept
  as $$
  declare
    max_entries constant integer := 10000;
    last record;
    entry record;
    held record;
    ignored text;
    is_followed boolean;
    needs_order boolean := false;
    accepted integer := 0;
    duplicates integer := 0;
  begin
    -- By tenant too, so that nobody can hold up another's. Before the statement below, which would
    -- else not see what the writer before has stored.
    ignored := pg_advisory_xact_lock(
      hashtextextended('viva.ingest ' || viva.tenant_id() || session, 0)
    )::text;
    select s.tenant_id, s.architecture, top.item_id, top."timestamp",
           coalesce(top.position, 0) as position,
           coalesce((
             select max(change_seq) from public.transcript_entries
             where tenant_id = s.tenant_id and session_id = s.id
           ), 0) as change
      into last
      from public.interview_sessions s
      left join lateral (
        select item_id, "timestamp", position from public.transcript_entries
        where tenant_id = s.tenant_id and session_id = s.id
        order by position desc limit 1
      ) top on true
      where s.id = session;
    if not found then
      raise exception using errcode = 'no_data_found', message = 'no such session';
    end if;
    for entry in
      select * from jsonb_to_recordset(entries) as given (
        id uuid, "itemId" text, revision integer, "previousItemId" text, speaker text, content text,
        "timestamp" timestamptz, final boolean, truncated boolean, confidence double precision,
        metadata jsonb
      )
    loop
      insert into public.transcript_entries (
        id, session_id, tenant_id, item_id, revision, previous_item_id, position, change_seq,
        speaker, content, timestamp, source, witness, final, truncated, confidence, metadata
      ) values (
        coalesce(entry.id, gen_random_uuid()), session, last.tenant_id, entry."itemId",
        entry.revision, entry."previousItemId", last.position + 1, last.change + 1, entry.speaker, entry.content,
        entry."timestamp", last.architecture, witness, entry.final, entry.truncated,
        entry.confidence, entry.metadata
      )
      on conflict (tenant_id, session_id, item_id) do nothing
      returning exists (
        select from public.transcript_entries
        where tenant_id = last.tenant_id and session_id = session
          and previous_item_id = entry."itemId"
      ) into is_followed;
      if found then
        if last.position >= max_entries then
          raise exception using errcode = 'check_violation', message = 'the transcript is full';
        end if;
        -- The usual entry follows the last one, and nothing waits for it: no need to sort.
        needs_order := needs_order or is_followed or not (last.position = 0 or coalesce(
          last.item_id = entry."previousItemId" and last."timestamp" < entry."timestamp", false
        ));
        last.position := last.position + 1;
        last.change := last.change + 1;
        last.item_id := entry."itemId";
        last."timestamp" := entry."timestamp";
        accepted := accepted + 1;
        continue;
      end if;
      select e.id, e.previous_item_id, e."timestamp",
             viva.weight(e.witness, e.final, e.content, e.revision) as weight
        into held from public.transcript_entries e
        where e.tenant_id = last.tenant_id and e.session_id = session
          and e.item_id = entry."itemId";
      if viva.weight(witness, entry.final, entry.content, entry.revision) > held.weight then
        last.change := last.change + 1;
        needs_order := needs_order
          or held.previous_item_id is distinct from entry."previousItemId"
          or held."timestamp" <> entry."timestamp";
        update public.transcript_entries set
          revision = entry.revision, previous_item_id = entry."previousItemId",
          speaker = entry.speaker, content = entry.content, timestamp = entry."timestamp",
          witness = ingest_session.witness, final = entry.final,
          truncated = entry.truncated, confidence = entry.confidence, metadata = entry.metadata,
          change_seq = last.change
        where id = held.id;
        accepted := accepted + 1;
      else
        duplicates := duplicates + 1;
      end if;
    end loop;
    if needs_order then
      perform viva.reorder(last.tenant_id, session, last.change);
    end if;
    return jsonb_build_object('accepted', accepted, 'duplicates', duplicates);
  end
  $$;

-- Stores batches as long as nothing is wrong with any of them; else fails as a whole, and they are
-- for `viva.ingest`. Nothing has to be undone or put back: role and claims end with the transaction.
create function viva.ingest_plainly(batches jsonb) returns jsonb
  language plpgsql
  set search_path = ''
  as $$
  declare
    batch jsonb;
    results jsonb := '[]';
    ignored text;
  begin
    for index in 0 .. jsonb_array_length(batches) - 1 loop
      batch := batches -> index;
      ignored := set_config('request.jwt.claims', batch ->> 'claims', true);
      ignored := set_config('role', 'transcript_writer', true);
      results := results || (
        viva.ingest_session(
          (batch ->> 'sessionId')::uuid, batch -> 'entries', batch ->> 'witness'
        ) || '{"rejected": []}'
      );
    end loop;
    return results;
  end
  $$;

revoke all on function viva.ingest_plainly(jsonb) from public;
grant execute on function viva.ingest_plainly(jsonb) to authenticator, service_role;
