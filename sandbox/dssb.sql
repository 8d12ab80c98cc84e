-- The bank's DSSB as distribution finds it: registry, both assignment tables, and our ledger beside them.
-- The grants are those of docs/distribution.md, no more.
\getenv password ROLE_PASSWORD

select 'create role dssb_app login'
where not exists (select from pg_roles where rolname = 'dssb_app') \gexec
alter role dssb_app password :'password';
revoke all on database dssb from public;
grant connect on database dssb to dssb_app;

\ir oracle/dialect.sql

create schema if not exists dssb_app;
set search_path = dssb_app;

create table if not exists softcollection_theories (
    theory_id         varchar(50) primary key,
    theory_name       varchar(255),
    theory_start_date timestamp(0),
    theory_end_date   timestamp(0)
);
create table if not exists sc_local_control (
    iin             varchar(12),
    theory_id       varchar(50),
    date_start      timestamp(0),
    date_end        timestamp(0),
    insert_datetime timestamp(0),
    tab1 varchar(255), tab2 varchar(255), tab3 varchar(255), tab4 varchar(255), tab5 varchar(255),
    primary key (iin, theory_id)
);
create table if not exists sc_local_target (like sc_local_control including all);

-- Three campaigns that run, one that is over and one that is to come: one row for each group.
insert into softcollection_theories (theory_id, theory_name)
select base.id || '.' || n, base.name
from (values ('SC00000001', 'Мягкое напоминание'), ('SC00000002', 'Скидка за оплату в срок'),
             ('SC00000003', 'Звонок & письмо'), ('SC00000004', 'Осенняя (закончилась)'),
             ('SC00000005', 'Зимняя (впереди)')) as base (id, name), generate_series(1, 5) as n
on conflict do nothing;

-- Whenever the sandbox starts, they are where they should be; the first one's last day is today.
update softcollection_theories as theory
set theory_start_date = today + dates.start, theory_end_date = today + dates.finish
from (values ('SC00000001', -20, 0), ('SC00000002', -10, 20), ('SC00000003', 0, 30),
             ('SC00000004', -60, -1), ('SC00000005', 1, 30)) as dates (id, start, finish),
     (select (now() at time zone 'Asia/Almaty')::date as today) as now
where left(theory.theory_id, 10) = dates.id;

-- What the groups' new rows inherit: TAB1-TAB5 of earlier rows, whose time is over.
insert into sc_local_target (iin, theory_id, date_start, date_end, insert_datetime, tab1, tab2)
select '99010130' || lpad((1000 + n)::text, 4, '0'), 'SC00000002.' || (2 + n % 4),
       date '2020-01-01', date '2020-01-31', timestamp '2020-01-01 09:00', 'call', 'tone ' || (2 + n % 4)
from generate_series(1, 8) as n
on conflict do nothing;

select to_regclass('sc_distribution_run') is null as is_fresh \gset
\if :is_fresh
\ir ../flows/distribution/schema.sql
\endif

grant usage on schema dssb_app to dssb_app;
grant select on softcollection_theories to dssb_app;
grant select, insert on sc_local_control, sc_local_target to dssb_app;
grant select, insert, update on sc_distribution_run, sc_distribution_fence to dssb_app;
