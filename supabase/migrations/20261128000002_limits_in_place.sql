-- What a token is limited to, with bodies that the planner can put in their place: policies ask for
-- it several times a statement. Whatever defined `viva.session_id` before, this definition stands: an
-- invitation's token is limited to a session that is never there.
create or replace function viva.invitation_id() returns uuid
  language sql stable
  return (viva.claims() ->> 'invitation_id')::uuid;

create or replace function viva.session_id() returns uuid
  language sql stable
  return coalesce(
    (viva.claims() ->> 'session_id')::uuid,
    case when viva.claims() ? 'invitation_id'
      then '00000000-0000-0000-0000-000000000000'::uuid end
  );
