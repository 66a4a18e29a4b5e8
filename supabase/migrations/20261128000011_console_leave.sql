-- A link that was used is a recruiter's entry into the console; whoever leaves ends it.
alter table console_links add column left_at timestamptz;
