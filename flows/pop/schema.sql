-- Pop's ledger, in state-db. The game's own database stays read only.
create schema if not exists pop;

create table if not exists pop.account (
    account         text        primary key,
    last_served_utc timestamptz not null
);

create table if not exists pop.attempt (
    business_date date        not null,
    account       text        not null,
    started_utc   timestamptz not null,
    outcome       text        not null,
    reason        text        not null,
    primary key (business_date, account, started_utc)
);

create index if not exists attempt_by_time on pop.attempt (business_date, started_utc);
