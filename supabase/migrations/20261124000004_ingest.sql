-- The one writer of transcripts: many sessions in one call, each under its own claims.
--
-- Idempotent by (tenant, session, item), so that whoever is not sure that an entry was stored may
-- send it again. Of all that was ever sent of an item the weightiest stays, whatever came first.

-- How much an account of an item weighs. What the sideband heard beats what a client says, unless it
-- has heard nothing yet; what is final is never made provisional; then the revision decides.
create function viva.weight(witness text, final boolean, content text, revision integer)
  returns integer[]
  language sql immutable
  set search_path = ''
  as $$
    select array[
      case when witness = 'client' then 1 when final or content <> '' then 2 else 0 end,
      final::integer,
      revision
    ]
  $$;

-- Orders a session's entries by the conversation: each after the one that it names; among those
-- that name the same one, or one that is not here, the earlier first with all that follows it. A
-- ring, which only an untrusted client can make, is opened at its earliest entry. The rule of
-- `vivavoce.sessions.chain`, so that the order is the same whatever came first. Entries that move
-- count as changed; returns the last change.
create function viva.reorder(tenant uuid, session uuid, change bigint) returns bigint
  language plpgsql
  set search_path = ''
  set enable_nestloop = off  -- a table that was not analysed yet would be gone through n² times
  as $$
  declare
    ids text[];
    parents integer[];
    nodes integer;  -- node 1 stands before the first entry; the others are entries by time
    first_child integer[];
    next_sibling integer[];
    place integer[];
    places integer := -1;
    waiting integer[];  -- next siblings of the nodes that led here
    depth integer;
    node integer;
    last_change bigint;
  begin
    with ranked as (
      select item_id, previous_item_id,
             row_number() over (order by "timestamp", item_id collate "C")::integer as rank
      from public.transcript_entries where tenant_id = tenant and session_id = session
    )
    select array_agg(r.item_id order by r.rank), array_agg(coalesce(p.rank, 0) + 1 order by r.rank)
      into ids, parents
      from ranked r left join ranked p on p.item_id = r.previous_item_id;

    nodes := cardinality(ids) + 1;
    first_child := array_fill(0, array[nodes]);
    next_sibling := array_fill(0, array[nodes]);
    place := array_fill(-1, array[nodes]);
    for child in reverse nodes..2 loop
      next_sibling[child] := first_child[parents[child - 1]];
      first_child[parents[child - 1]] := child;
    end loop;

    for opened in 1..nodes loop
      continue when place[opened] >= 0;
      places := places + 1;
      place[opened] := places;
      depth := 1;
      waiting[depth] := first_child[opened];
      while depth > 0 loop
        node := waiting[depth];
        if node = 0 then
          depth := depth - 1;
          continue;
        end if;
        waiting[depth] := next_sibling[node];
        if place[node] < 0 then
          places := places + 1;
          place[node] := places;
          depth := depth + 1;
          waiting[depth] := first_child[node];
        end if;
      end loop;
    end loop;

    with moved as (
      select e.id, wanted.place, row_number() over (order by wanted.place) as nth
      from unnest(ids, place[2:]) as wanted (item_id, place)
      join public.transcript_entries e
        on e.tenant_id = tenant and e.session_id = session and e.item_id = wanted.item_id
      where e.position <> wanted.place
    ),
    changed as (
      update public.transcript_entries e set position = moved.place, change_seq = change + moved.nth
      from moved where e.id = moved.id
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
    max_entries constant integer := 10000;
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
        if top >= max_entries then
          raise exception using errcode = 'check_violation', message = 'the transcript is full';
        end if;
        change := change + 1;
        -- The usual entry follows the last one, and nothing waits for it: no need to sort.
        needs_order := needs_order or not (
          top = 0 or (
            exists (
              select from public.transcript_entries
              where tenant_id = owner.tenant_id and session_id = session and position = top
                and item_id = entry."previousItemId" and "timestamp" < entry."timestamp"
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
      elsif viva.weight(witness, entry.final, entry.content, entry.revision)
        > viva.weight(held.witness, held.final, held.content, held.revision)
      then
        change := change + 1;
        needs_order := needs_order
          or held.previous_item_id is distinct from entry."previousItemId"
          or held.timestamp <> entry."timestamp";
        update public.transcript_entries set
          revision = entry.revision, previous_item_id = entry."previousItemId",
          speaker = entry.speaker, content = entry.content, timestamp = entry."timestamp",
          witness = ingest_session.witness, final = entry.final,
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

-- Says of entries that they cannot be stored, and why.
create function viva.rejected(entries jsonb, code text, message text) returns jsonb
  language sql immutable
  set search_path = ''
  as $$
    select jsonb_build_object('accepted', 0, 'duplicates', 0, 'rejected', coalesce(
      jsonb_agg(jsonb_build_object(
        'itemId', coalesce(entry ->> 'itemId', ''), 'code', code, 'message', message
      )), '[]'
    ))
    from jsonb_array_elements(entries) entry
  $$;

-- Stores entries of one session under given claims; if they cannot be stored together, one by one.
-- Leaves role and claims as they were.
create function viva.ingest_batch(batch jsonb) returns jsonb
  language plpgsql
  set search_path = ''
  as $$
  declare
    entries constant jsonb := batch -> 'entries';
    result jsonb;
    role_before constant text := current_setting('role');
    claims_before constant text := coalesce(current_setting('request.jwt.claims', true), '');
  begin
    perform set_config('request.jwt.claims', batch ->> 'claims', true),
            set_config('role', 'transcript_writer', true);
    result := viva.ingest_session((batch ->> 'sessionId')::uuid, entries, batch ->> 'witness')
      || '{"rejected": []}';
    perform set_config('role', role_before, true),
            set_config('request.jwt.claims', claims_before, true);
    return result;
  exception
    -- The block is undone, and with it the role and the claims that it set.
    when no_data_found or insufficient_privilege or foreign_key_violation then
      return viva.rejected(entries, 'NOT_FOUND', 'There is no such session.');
    when data_exception or integrity_constraint_violation then
      if jsonb_array_length(entries) = 1 then
        return viva.rejected(entries, 'INVALID_REQUEST', 'The entry cannot be stored.');
      end if;
      select jsonb_build_object(
        'accepted', sum((one ->> 'accepted')::integer),
        'duplicates', sum((one ->> 'duplicates')::integer),
        'rejected', coalesce(
          jsonb_agg(one -> 'rejected' -> 0) filter (where one -> 'rejected' <> '[]'), '[]'
        )
      ) into result
      from jsonb_array_elements(entries) entry,
        viva.ingest_batch(batch || jsonb_build_object('entries', jsonb_build_array(entry))) one;
      return result;
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
    results jsonb[] := '{}';
  begin
    for batch in select * from jsonb_array_elements(batches) loop
      results := results || viva.ingest_batch(batch);
    end loop;
    return to_jsonb(results);
  end
  $$;

revoke all on function viva.weight(text, boolean, text, integer), viva.reorder(uuid, uuid, bigint),
  viva.ingest_session(uuid, jsonb, text), viva.rejected(jsonb, text, text),
  viva.ingest_batch(jsonb), viva.ingest(jsonb) from public;
grant execute on function viva.weight(text, boolean, text, integer),
  viva.reorder(uuid, uuid, bigint), viva.ingest_session(uuid, jsonb, text) to transcript_writer;
-- Not to `authenticated`: the one who calls says who the witness is.
grant execute on function viva.rejected(jsonb, text, text), viva.ingest_batch(jsonb),
  viva.ingest(jsonb) to authenticator, service_role;
