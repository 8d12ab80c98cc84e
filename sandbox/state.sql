-- Ours: the ledgers of pop and payout live here, in tables that those processes create.
\getenv password ROLE_PASSWORD

select 'create role metronome login'
where not exists (select from pg_roles where rolname = 'metronome') \gexec
alter role metronome password :'password';

revoke all on database state from public;
alter database state owner to metronome;
