-- Admits a session (`viva.admit_session`) and gives it a machine that stands ready
-- (`viva.book_machine`), in one statement. Says in addition whether the machine is booked.
--
-- Its commit does not wait for the disk: by itself it is worth nothing. Nobody is told of the session
-- before `viva.note_ready`, whose commit waits, and takes everything before it along.
create function viva.admit_and_book(
  claims text, session jsonb, live_statuses text[], request_id text, machine uuid,
  out outcome text, out allowed integer, out booked boolean
)
  language plpgsql
  set search_path = ''
  as $$
  declare
    role_before constant text := current_setting('role');
  begin
    perform set_config('synchronous_commit', 'off', true);
    select a.outcome, a.allowed into outcome, allowed
      from viva.admit_session(claims, session, live_statuses, request_id) a;
    booked := false;
    if outcome = 'admitted' and machine is not null then
      perform set_config('role', role_before, true);
      booked := viva.book_machine(
        machine, (session ->> 'id')::uuid, (session ->> 'tenantId')::uuid
      );
    end if;
  end
  $$;

revoke all on function viva.admit_and_book(text, jsonb, text[], text, uuid) from public;
grant execute on function viva.admit_and_book(text, jsonb, text[], text, uuid) to authenticator;
