-- Until when the machine of a session that is ending may still deliver what it has. A fact of the
-- session: whatever else makes somebody look after the session, the machine has its time.

alter table interview_sessions add column drain_until timestamptz;
