-- The bank's SPSS: where the users come from, and the mirror of the target rows.
-- The grants are those of docs/distribution.md, no more.
\getenv password ROLE_PASSWORD

select 'create role spss_app login'
where not exists (select from pg_roles where rolname = 'spss_app') \gexec
alter role spss_app password :'password';
revoke all on database spss from public;
grant connect on database spss to spss_app;

\ir oracle/dialect.sql

create schema if not exists spss_user_dracrm;
create table if not exists spss_user_dracrm.sc_1_120 (
    iin       varchar(12),
    count_day numeric(5)
);
create schema if not exists spss;
create table if not exists spss.sc_theory_users (
    iin             varchar(12),
    theory_id       varchar(50),
    date_start      timestamp(0),
    date_end        timestamp(0),
    insert_datetime timestamp(0),
    tab1 varchar(255), tab2 varchar(255), tab3 varchar(255), tab4 varchar(255), tab5 varchar(255)
);

-- Invented people: birth dates of 1950-2009 (so some begin with zeros), sex and century, five digits.
create or replace function pg_temp.iin(n integer) returns text language sql immutable as $$
    select to_char(date '1950-01-01' + (hash.a % 21900)::int, 'YYMMDD')
        || case when hash.a % 21900 < 18262 then 3 else 5 end + n % 2
        || lpad((hash.b % 100000)::text, 5, '0')
    from (select ('x' || left(md5('a' || n), 8))::bit(32)::bigint as a,
                 ('x' || left(md5('b' || n), 8))::bit(32)::bigint as b) as hash
$$;

-- Day 5: 166 people, some of them twice, one with a blank for its first digit, and rows without anybody.
-- Day 50: 50,000 people, for whoever measures. The other days: people of no concern.
insert into spss_user_dracrm.sc_1_120 (iin, count_day)
select iin, count_day
from (
    select pg_temp.iin(n) as iin, 5 as count_day from generate_series(1, 166) as n
    union all select pg_temp.iin(n), 5 from generate_series(10, 160, 10) as n
    union all select ' ' || left(pg_temp.iin(167), 11), 5
    union all select nullif(blank, 'null'), 5 from (values (''), ('   '), ('null')) as blanks (blank)
    union all select pg_temp.iin(n), n % 120 + 1 from generate_series(1001, 1400) as n where n % 120 + 1 not in (5, 50)
    union all select distinct pg_temp.iin(n), 50 from generate_series(100001, 150500) as n
) as people
where not exists (select from spss_user_dracrm.sc_1_120);
delete from spss_user_dracrm.sc_1_120
where ctid in (select ctid from spss_user_dracrm.sc_1_120 where count_day = 50 offset 50000);

grant usage on schema spss_user_dracrm, spss to spss_app;
grant select on spss_user_dracrm.sc_1_120 to spss_app;
grant select, insert on spss.sc_theory_users to spss_app;
