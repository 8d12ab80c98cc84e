-- Who is at work on what, so that a run that died is missed and replaced.
create schema if not exists metronome;

create table if not exists metronome.duty (
    process       text        not null,
    business_date date        not null,
    flow_run_id   uuid,                          -- the run that took it up last; null outside Prefect
    taken_up      integer     not null default 1,-- how many runs have
    started_utc   timestamptz not null,
    heartbeat_utc timestamptz not null,
    finished_utc  timestamptz,
    primary key (process, business_date)
);
