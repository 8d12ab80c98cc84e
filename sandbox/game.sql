-- The game's users as pop finds them: read only, with the column name that the game really has.
\getenv password ROLE_PASSWORD

select 'create role pop_reader login'
where not exists (select from pg_roles where rolname = 'pop_reader') \gexec
alter role pop_reader password :'password';

revoke all on database game from public;
grant connect on database game to pop_reader;

create schema if not exists pop;
create table if not exists pop."user" (
    id bigserial primary key,
    public_address text not null,
    satisified_requirement text
);

-- 1,475 marketing accounts, every 59th of them written down twice (25 duplicates),
-- and 500 people that the filter must leave out.
insert into pop."user" (public_address, satisified_requirement)
select '0x' || left(md5(kind || n) || md5(n || kind), 40), requirement
from (
    select 'marketing' as kind, n, 'MARKETING_USER' as requirement from generate_series(1, 1475) as n
    union all
    select 'marketing', n, 'MARKETING_USER' from generate_series(59, 1475, 59) as n
    union all
    select 'player', n, (array['TELEGRAM_USER', 'MARKETING_USER_PENDING', null])[1 + n % 3]
    from generate_series(1, 500) as n
) as people
where not exists (select from pop."user");

grant usage on schema pop to pop_reader;
grant select on pop."user" to pop_reader;
