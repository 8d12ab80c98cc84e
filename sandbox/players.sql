-- The game's players as payout finds them: read only. The rows come from players.py.
\getenv password ROLE_PASSWORD

select 'create role payout_reader login'
where not exists (select from pg_roles where rolname = 'payout_reader') \gexec
alter role payout_reader password :'password';

revoke all on database players from public;
grant connect on database players to payout_reader;
revoke all on schema public from public;

create table if not exists public.users (
    id     bigint primary key,
    coins  numeric, -- earned in all the time; payout pays the difference to what it has paid
    wallet text
);

grant usage on schema public to payout_reader;
grant select on public.users to payout_reader;
