-- Payout's ledger, in state-db. Amounts are in the token's smallest units. The game's database stays read only.
-- PostgreSQL 14 or newer.
create schema if not exists payout;

-- ── What was promised and what was paid ──────────────────────────────────────────────────────────

create table if not exists payout.job (
    job_no       bigint         generated always as identity primary key,
    job_id       bytea          not null unique check (octet_length(job_id) = 32),
    run_id       text           not null,
    salt         bytea          not null,
    batch_no     integer        not null,
    plan_hash    bytea          not null,
    chain_id     bigint         not null,
    contract     text           not null,
    token        text           not null,
    digest       bytea          not null check (octet_length(digest) = 32), -- keccak-256 of the packed items
    n            integer        not null check (n > 0),
    total        numeric(78, 0) not null check (total > 0),
    state        text           not null default 'reserved' check (state in (
        'reserved', 'signed', 'submitted', 'completed', 'failed', 'cancelled', 'settled', 'released', 'quarantined'
    )),
    -- Where the accounts hold the amounts: in flight, as paid, or not at all. Quarantine leaves it as it was.
    booking      text           not null default 'open' check (booking in ('open', 'paid', 'free')),
    deadline     bigint,        -- Unix time, the latest of its transactions'; null while nothing is signed
    note         text,          -- why it came to its state
    reserved_utc timestamptz    not null default now(),
    changed_utc  timestamptz    not null default now(),
    check (state = 'quarantined'
           or booking = case state when 'settled' then 'paid' when 'released' then 'free' else 'open' end)
);

create index if not exists job_open on payout.job (job_no) where booking = 'open';

-- Neither account nor item has a foreign key to job: it would be looked up for each of a million rows. They are
-- written by one statement with their job, its counts are compared, and reconcile looks again.
create table if not exists payout.account (
    user_id       bigint         primary key,
    paid          numeric(78, 0) not null check (paid >= 0),
    in_flight     numeric(78, 0) not null check (in_flight >= 0),
    in_flight_job bigint,        -- job_no; one at a time
    check ((in_flight > 0) = (in_flight_job is not null))
) with (fillfactor = 60);        -- reserved and settled in place

create table if not exists payout.item (
    job_no  bigint         not null,
    ord     integer        not null, -- from 1
    user_id bigint         not null,
    wallet  bytea          not null check (octet_length(wallet) = 20),
    amount  numeric(78, 0) not null check (amount > 0 and amount < 79228162514264337593543950336),
    primary key (job_no, ord)
);

create unique index if not exists item_user on payout.item (user_id, job_no);

-- ── What was sent and what the chain said ────────────────────────────────────────────────────────

create table if not exists payout.tx (
    tx_hash     text           primary key,
    job_no      bigint         not null references payout.job,
    chain_id    bigint         not null,
    signer      text           not null,
    nonce       bigint         not null,
    gas         bigint         not null,
    max_fee_wei numeric(78, 0) not null,
    tip_wei     numeric(78, 0) not null,
    deadline    bigint         not null, -- Unix time of the last block that may take it
    raw         bytea          not null,
    -- False once another one stands at its nonce, or its job is closed. It may be mined for all that.
    live        boolean        not null default true,
    signed_utc  timestamptz    not null default now()
);

create unique index if not exists tx_nonce on payout.tx (chain_id, signer, nonce) where live;
create index if not exists tx_job on payout.tx (job_no);

-- An inbox: what was read is kept, also what a reorganisation took back.
create table if not exists payout.event (
    chain_id    bigint         not null,
    contract    text           not null,
    block       bigint         not null,
    block_hash  text           not null,
    tx_hash     text           not null,
    log_index   integer        not null,
    job_id      bytea          not null,
    status      smallint       not null, -- 1 submitted, 2 completed, 3 failed, 4 cancelled
    n           integer,
    total       numeric(78, 0),
    reason      text,
    seen_utc    timestamptz    not null default now(),
    removed_utc timestamptz,
    primary key (chain_id, block_hash, log_index)
);

create index if not exists event_job on payout.event (job_id);
create index if not exists event_block on payout.event (chain_id, contract, block);

-- How far the chain was read.
create table if not exists payout.cursor (
    chain_id   bigint not null,
    contract   text   not null,
    block      bigint not null,
    block_hash text   not null,
    primary key (chain_id, contract)
);

-- ── Who is not paid ──────────────────────────────────────────────────────────────────────────────

create table if not exists payout.hold (
    user_id   bigint      primary key,
    reason    text        not null,
    amount    numeric,    -- null where the balance is no number
    since_utc timestamptz not null default now()
);

-- How much was held, by the day's last plan: the list above knows today only.
create table if not exists payout.held_day (
    day    date    primary key, -- UTC
    amount numeric not null
);

-- Wallets that the token refuses; one of them would make its whole job fail.
create table if not exists payout.poison (
    wallet    bytea       primary key check (octet_length(wallet) = 20),
    reason    text        not null,
    found_utc timestamptz not null default now()
);

-- ── The plan: one that is about to be paid, one that was only looked at ──────────────────────────
-- Unlogged: after a crash of the database they are empty, and an approval of what is gone is refused.

create unlogged table if not exists payout.plan (
    slot         text           primary key check (slot in ('live', 'preview')),
    hash         bytea          not null,
    chain_id     bigint         not null,
    contract     text           not null,
    token        text           not null,
    policy       text           not null,
    users        bigint         not null, -- that were read
    waiting      bigint         not null, -- of them, with a job in flight
    n            bigint         not null,
    total        numeric(78, 0) not null,
    batches      integer        not null,
    made_utc     timestamptz    not null default now(),
    reserved_run text
);

create unlogged table if not exists payout.plan_batch (
    slot      text           not null,
    batch_no  integer        not null, -- from 1
    first_ord bigint         not null,
    last_ord  bigint         not null,
    n         integer        not null,
    total     numeric(78, 0) not null,
    primary key (slot, batch_no)
);

create table if not exists payout.plan_item (
    slot    text           not null,
    ord     bigint         not null, -- from 1, in the order of user_id
    user_id bigint         not null,
    wallet  bytea          not null,
    amount  numeric(78, 0) not null,
    paid    numeric(78, 0) not null, -- before
    running numeric(78, 0) not null  -- sum of the amounts up to here
) partition by list (slot);

create unlogged table if not exists payout.plan_item_live
    partition of payout.plan_item for values in ('live');
create unlogged table if not exists payout.plan_item_preview
    partition of payout.plan_item for values in ('preview');
-- Each by itself: a key of both would begin with the slot, and cost half a second for a million rows.
create unique index if not exists plan_item_live_ord on payout.plan_item_live (ord);
create unique index if not exists plan_item_preview_ord on payout.plan_item_preview (ord);

create table if not exists payout.plan_hold (
    slot    text    not null,
    user_id bigint  not null,
    reason  text    not null,
    amount  numeric
) partition by list (slot);

create unlogged table if not exists payout.plan_hold_live
    partition of payout.plan_hold for values in ('live');
create unlogged table if not exists payout.plan_hold_preview
    partition of payout.plan_hold for values in ('preview');

-- A recipient as the contract takes it: address (20 bytes) and amount (12, in two halves of 48 bits).
create or replace function payout.word(wallet bytea, amount numeric) returns bytea
language sql immutable parallel safe as $$
    select wallet || substring(int8send(div(amount, 281474976710656)::bigint) from 3)
                  || substring(int8send(mod(amount, 281474976710656)::bigint) from 3)
$$;

-- ── The journal: a row for each step of each job, each with the hash of the one before ───────────

create table if not exists payout.journal (
    no        bigint         primary key,
    at_utc    timestamptz    not null,
    job_id    bytea          not null,
    was       text,          -- null for a new job
    state     text           not null,
    booking   text           not null,
    plan_hash bytea          not null,
    digest    bytea          not null,
    n         integer        not null,
    total     numeric(78, 0) not null,
    deadline  bigint,
    note      text,
    previous  bytea          not null unique, -- a chain, not a tree
    hash      bytea          not null
);

-- The note comes last: it alone may hold anything.
create or replace function payout.journal_hash(entry payout.journal) returns bytea
language sql immutable as $$
    select sha256(entry.previous || convert_to(format(
        '%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s', entry.no, (extract(epoch from entry.at_utc) * 1000000)::bigint,
        encode(entry.job_id, 'hex'), entry.was, entry.state, entry.booking, encode(entry.plan_hash, 'hex'),
        encode(entry.digest, 'hex'), entry.n, entry.total, entry.deadline, entry.note
    ), 'UTF8'))
$$;

create or replace function payout.write_journal() returns trigger
language plpgsql as $$
declare
    latest payout.journal;
    entry  payout.journal;
begin
    perform pg_advisory_xact_lock(hashtextextended('payout.journal', 0)); -- one chain, one writer
    select * into latest from payout.journal order by no desc limit 1;
    entry.no := coalesce(latest.no, 0) + 1;
    entry.at_utc := now();
    entry.job_id := new.job_id;
    entry.was := case when tg_op = 'UPDATE' then old.state end;
    entry.state := new.state;
    entry.booking := new.booking;
    entry.plan_hash := new.plan_hash;
    entry.digest := new.digest;
    entry.n := new.n;
    entry.total := new.total;
    entry.deadline := new.deadline;
    entry.note := new.note;
    entry.previous := coalesce(latest.hash, '\x');
    entry.hash := payout.journal_hash(entry);
    insert into payout.journal select entry.*;
    return null;
end
$$;

-- In the database and not in our code: a change by hand is written down as well.
create or replace trigger job_made after insert on payout.job
    for each row execute function payout.write_journal();
create or replace trigger job_changed after update on payout.job
    for each row when (
        (old.state, old.booking, old.plan_hash, old.digest, old.n, old.total, old.deadline, old.note)
        is distinct from
        (new.state, new.booking, new.plan_hash, new.digest, new.n, new.total, new.deadline, new.note)
    ) execute function payout.write_journal();

create or replace function payout.refuse() returns trigger
language plpgsql as $$
begin
    raise exception '%.% is only ever added to', tg_table_schema, tg_table_name;
end
$$;

create or replace trigger journal_stays before update or delete on payout.journal
    for each statement execute function payout.refuse();
create or replace trigger item_stays before update or delete on payout.item
    for each statement execute function payout.refuse();
