-- Distribution's own two tables in DSSB, beside the bank's. Every line is both Oracle's and PostgreSQL's SQL;
-- the owner of the schema runs it once, for our user has no right to create tables.

-- One row per day: what was planned, how far it has come, whether it was told.
create table sc_distribution_run (
    business_date   date         not null,
    kind            varchar(20)  not null,
    run_id          varchar(36)  not null, -- the flow run that took the day up last
    status          varchar(12)  not null, -- planned, skipped, applied, completed
    count_day       integer      not null,
    remainder       varchar(12),           -- last, rotate, all_to_last
    campaign_ids    varchar(4000),         -- with commas between; with seed and remainder, what an auditor needs
    seed            varchar(64),
    cohort_digest   varchar(64),
    rows_read       integer,
    rows_blank      integer,
    rows_duplicate  integer,
    users_excluded  integer,
    users_malformed integer,
    users           integer,
    users_a         integer,
    users_b         integer,
    users_c         integer,
    users_d         integer,
    users_e         integer,
    insert_datetime timestamp(0),          -- of the day's rows: by it they are found again
    checks          varchar(4000),         -- JSON
    requested_by    varchar(200),
    approved_by     varchar(200),
    planned_at      timestamp(0),          -- all times are Asia/Almaty
    applied_at      timestamp(0),
    completed_at    timestamp(0),
    mailed_at       timestamp(0),
    primary key (business_date, kind),
    check (status in ('planned', 'skipped', 'applied', 'completed'))
);

-- Its only row is written by the first run, and locked by the run that is at work, until it ends.
create table sc_distribution_fence (
    kind varchar(20) not null primary key
);
