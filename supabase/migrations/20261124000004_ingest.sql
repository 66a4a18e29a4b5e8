-- The one writer of transcripts: many sessions in one call, each under its own claims.
--
-- Idempotent by (tenant, session, item) and monotone by revision, so that whoever is not sure that
-- an entry was stored may send it again. What the sideband saw is never overwritten by what a
-- client says; a client may fill in what the sideband has not finished.

grant usage on schema viva to authenticator;

-- Orders a session's entries by the conversation: each after the one that it names; among those
-- that name the same one, or one that is not here, the earlier first with all that follows it.
-- The rule of `vivavoce.sessions.chain`, whatever the order of arrival was. Items in a ring that
-- a client made up come last. Rows that move count as changed; returns the last change.
create function viva.reorder(tenant uuid, session uuid, change bigint) returns bigint
  language plpgsql
  set search_path = ''
  as $$
  declare
    last_change bigint;
  begin
    with recursive entries as (
      select e.item_id, e.position,
             to_char(e.timestamp at time zone 'utc', 'YYYYMMDDHH24MISSUS') || e.item_id as sibling,
             p.item_id as previous
      from public.transcript_entries e
      left join public.transcript_entries p
        on p.tenant_id = tenant and p.session_id = session and p.item_id = e.previous_item_id
      where e.tenant_id = tenant and e.session_id = session
    ),
    walk (item_id, path) as (
      select item_id, array[sibling] from entries where previous is null
      union all
      select e.item_id, w.path || e.sibling from entries e join walk w on e.previous = w.item_id
    ),
    ranked as (
      select e.item_id, e.position,
             row_number() over (
               order by w.path is null, w.path collate "C", e.sibling collate "C"
             ) as place
      from entries e left join walk w using (item_id)
    ),
    moved as (
      select item_id, place, row_number() over (order by place) as nth
      from ranked where position <> place
    ),
    changed as (
      update public.transcript_entries e
      set position = moved.place, change_seq = change + moved.nth
      from moved
      where e.tenant_id = tenant and e.session_id = session and e.item_id = moved.item_id
      returning e.change_seq
    )
    select coalesce(max(change_seq), change) into last_change from changed;
    return last_change;
  end
  $$;

-- Stores entries of one session under the claims in force. The row of the session is locked, so
-- that writers of one session take turns and readers by `change_seq` miss nothing.
create function viva.ingest_session(session uuid, entries jsonb, witness text) returns jsonb
  language plpgsql
  set search_path = ''
  as $$
  declare
    owner public.interview_sessions%rowtype;
    entry record;
    held public.transcript_entries%rowtype;
    change bigint;
    top integer;
    needs_order boolean := false;
    accepted integer := 0;
    duplicates integer := 0;
  begin
    select * into owner from public.interview_sessions where id = session for update;
    if not found then
      raise exception using errcode = 'no_data_found', message = 'no such session';
    end if;
    change := owner.last_change;
    top := owner.last_position;
    for entry in
      select * from jsonb_to_recordset(entries) as given (
        "itemId" text, revision integer, "previousItemId" text, speaker text, content text,
        "timestamp" timestamptz, final boolean, truncated boolean, confidence double precision,
        metadata jsonb
      )
    loop
      select * into held from public.transcript_entries
        where tenant_id = owner.tenant_id and session_id = session and item_id = entry."itemId";
      if not found then
        change := change + 1;
        -- The usual entry follows the last one, and nothing waits for it: no need to sort.
        needs_order := needs_order or not (
          top = 0 or (
            exists (
              select from public.transcript_entries
              where tenant_id = owner.tenant_id and session_id = session and position = top
                and item_id = entry."previousItemId"
            )
            and not exists (
              select from public.transcript_entries
              where tenant_id = owner.tenant_id and session_id = session
                and previous_item_id = entry."itemId"
            )
          )
        );
        top := top + 1;
        insert into public.transcript_entries (
          session_id, tenant_id, item_id, revision, previous_item_id, position, change_seq, speaker,
          content, timestamp, source, witness, final, truncated, confidence, metadata
        ) values (
          session, owner.tenant_id, entry."itemId", entry.revision, entry."previousItemId", top,
          change, entry.speaker, entry.content, entry."timestamp", owner.architecture, witness,
          entry.final, entry.truncated, entry.confidence, entry.metadata
        );
        accepted := accepted + 1;
      elsif (
        case
          when held.witness = witness then entry.revision > held.revision
          when witness = 'sideband' then entry.final or not held.final
          else entry.final and not held.final and entry.content <> ''
        end
      ) then
        change := change + 1;
        needs_order := needs_order
          or held.previous_item_id is distinct from entry."previousItemId"
          or held.timestamp <> entry."timestamp";
        update public.transcript_entries set
          revision = entry.revision, previous_item_id = entry."previousItemId",
          speaker = entry.speaker, content = entry.content, timestamp = entry."timestamp",
          witness = ingest_session.witness, final = held.final or entry.final,
          truncated = entry.truncated, confidence = entry.confidence, metadata = entry.metadata,
          change_seq = change
        where id = held.id;
        accepted := accepted + 1;
      else
        duplicates := duplicates + 1;
      end if;
    end loop;
    if needs_order then
      change := viva.reorder(owner.tenant_id, session, change);
    end if;
    if accepted > 0 then
      update public.interview_sessions set last_change = change, last_position = top
        where id = session;
    end if;
    return jsonb_build_object('accepted', accepted, 'duplicates', duplicates);
  end
  $$;

-- Stores batches [{claims, sessionId, witness, entries}] and answers for each, in order,
-- {accepted, duplicates, rejected: [{itemId, code, message}]}. What cannot be stored is rejected
-- alone: it never holds up the rest of its batch, nor another session.
create function viva.ingest(batches jsonb) returns jsonb
  language plpgsql
  set search_path = ''
  as $$
  declare
    batch jsonb;
    entry jsonb;
    result jsonb;
    one jsonb;
    results jsonb := '[]';
    role_before text := current_setting('role');
    claims_before text := coalesce(current_setting('request.jwt.claims', true), '');
  begin
    for batch in select * from jsonb_array_elements(batches) loop
      begin
        perform set_config('request.jwt.claims', batch ->> 'claims', true),
                set_config('role', 'authenticated', true);
        result := viva.ingest_session(
          (batch ->> 'sessionId')::uuid, batch -> 'entries', batch ->> 'witness'
        ) || '{"rejected": []}';
      exception
        when no_data_found or insufficient_privilege or foreign_key_violation then
          select jsonb_build_object('accepted', 0, 'duplicates', 0, 'rejected', coalesce(jsonb_agg(
            jsonb_build_object(
              'itemId', given ->> 'itemId', 'code', 'NOT_FOUND', 'message', 'There is no such session.'
            )
          ), '[]')) into result from jsonb_array_elements(batch -> 'entries') given;
        when data_exception or integrity_constraint_violation then
          result := '{"accepted": 0, "duplicates": 0, "rejected": []}';
          for entry in select * from jsonb_array_elements(batch -> 'entries') loop
            begin
              perform set_config('request.jwt.claims', batch ->> 'claims', true),
                      set_config('role', 'authenticated', true);
              one := viva.ingest_session(
                (batch ->> 'sessionId')::uuid, jsonb_build_array(entry), batch ->> 'witness'
              );
              result := jsonb_build_object(
                'accepted', (result ->> 'accepted')::integer + (one ->> 'accepted')::integer,
                'duplicates', (result ->> 'duplicates')::integer + (one ->> 'duplicates')::integer,
                'rejected', result -> 'rejected'
              );
            exception
              when data_exception or integrity_constraint_violation then
                result := jsonb_set(result, '{rejected}', (result -> 'rejected')
                  || jsonb_build_object(
                    'itemId', coalesce(entry ->> 'itemId', ''), 'code', 'INVALID_REQUEST',
                    'message', 'The entry cannot be stored.'
                  ));
            end;
          end loop;
      end;
      perform set_config('role', role_before, true),
              set_config('request.jwt.claims', claims_before, true);
      results := results || jsonb_build_array(result);
    end loop;
    return results;
  end
  $$;

revoke all on function viva.reorder(uuid, uuid, bigint), viva.ingest_session(uuid, jsonb, text),
  viva.ingest(jsonb) from public;
grant execute on function viva.reorder(uuid, uuid, bigint),
  viva.ingest_session(uuid, jsonb, text) to authenticated;
grant execute on function viva.ingest(jsonb) to authenticator, authenticated, service_role;
