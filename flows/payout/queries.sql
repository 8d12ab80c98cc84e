-- ── Reserving a plan ─────────────────────────────────────────────────────────────────────────────

-- name: find_plan
select slot, chain_id, contract, token, n, total, batches, reserved_run
from payout.plan where hash = :hash
order by reserved_run is distinct from :run_id, reserved_run nulls first, slot limit 1 for update;

-- name: pack_batches
select batch_no, payload from payout.plan_batch as batch cross join lateral (
    select string_agg(payout.word(wallet, amount), '' order by ord) as payload
    from payout.plan_item where slot = :slot and ord between batch.first_ord and batch.last_ord
) as packed
where batch.slot = :slot order by batch_no;

-- Jobs as three arrays of one length. An account that has a job in flight, or was paid since the plan was made, is
-- not taken; then the counts differ and all of it is rolled back. The accounts come first, by user id, so that two
-- who reserve at once wait for each other; the journal's lock comes last, after the statement.
-- name: reserve
with job as (
    insert into payout.job (job_id, run_id, salt, batch_no, plan_hash, chain_id, contract, token, digest, n, total)
    select made.job_id, :run_id, :salt, batch_no, plan.hash, plan.chain_id, plan.contract, plan.token, made.digest,
           batch.n, batch.total
    from unnest(cast(:batch_nos as integer[]), cast(:job_ids as bytea[]), cast(:digests as bytea[]))
         as made (batch_no, job_id, digest)
    join payout.plan_batch as batch using (batch_no)
    join payout.plan using (slot)
    where slot = :slot
    order by batch_no
    returning job_no, batch_no
), chosen as materialized (
    select job_no, ord - first_ord + 1 as ord, user_id, wallet, amount, paid
    from job join payout.plan_batch as batch using (batch_no)
    join payout.plan_item as item on item.slot = batch.slot and ord between first_ord and last_ord
    where batch.slot = :slot
    order by item.ord
), taken as (
    insert into payout.account as account (user_id, paid, in_flight, in_flight_job)
    select user_id, paid, amount, job_no from chosen
    on conflict (user_id) do update
    set in_flight = excluded.in_flight, in_flight_job = excluded.in_flight_job
    where account.in_flight = 0 and account.paid = excluded.paid
    returning in_flight
), written as (
    insert into payout.item (job_no, ord, user_id, wallet, amount)
    select job_no, ord, user_id, wallet, amount from chosen
    returning amount
)
select (select count(*) from job) as jobs,
       (select count(*) from taken) as n, (select coalesce(sum(in_flight), 0) from taken) as total,
       (select count(*) from written) as items;

-- name: use_plan
update payout.plan set reserved_run = :run_id where slot = :slot;

-- ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────

-- name: open_jobs
select job_id, state, batch_no, n, total, digest, deadline, changed_utc
from payout.job where booking = 'open' and chain_id = :chain_id and contract = :contract
order by job_no;

-- name: payload
select digest, (
    select string_agg(payout.word(wallet, amount), '' order by ord) from payout.item where item.job_no = job.job_no
) as payload
from payout.job where job_id = :job_id;

-- What the newest block says; it may be taken back, and then the job is what it was before: signed.
-- name: observe
update payout.job set changed_utc = now(), state = seen.state
from (
    select job.job_no, case status
        when 1 then 'submitted' when 2 then 'completed' when 3 then 'failed' when 4 then 'cancelled'
        else case job.state when 'reserved' then 'reserved' else 'signed' end
    end as state
    from unnest(cast(:job_ids as bytea[]), cast(:statuses as integer[])) as told (job_id, status)
    join payout.job using (job_id)
) as seen
where job.job_no = seen.job_no and job.state <> seen.state and job.booking = 'open' and job.state <> 'quarantined';

-- name: quarantine
update payout.job set state = 'quarantined', note = :note, changed_utc = now()
where job_id = :job_id and state <> 'quarantined'
returning job_no;

-- ── Closing a job: the guard, the amounts and the counts in one statement ────────────────────────

-- Paid by an event of a block that is final and has the hash that the chain tells now. The nonce is let go: should
-- the chain lose even that block, it would be a gap which nobody fills.
-- name: settle
with job as (
    update payout.job set state = 'settled', booking = 'paid', note = event.tx_hash, changed_utc = now()
    from payout.event
    where job.job_id = :job_id and booking = 'open' and state <> 'quarantined'
      and event.job_id = job.job_id and event.chain_id = job.chain_id and event.contract = job.contract
      and event.status = 2 and event.n = job.n and event.total = job.total and event.removed_utc is null
      and event.block = :block and event.block_hash = :block_hash
      and event.block <= cast(:final_block as bigint)
    returning job.job_no, job.n, job.total
), booked as (
    update payout.account set paid = paid + amount, in_flight = 0, in_flight_job = null
    from job join payout.item using (job_no)
    where account.user_id = item.user_id and in_flight_job = job.job_no and in_flight = amount
    returning amount
), dead as (
    update payout.tx set live = false from job where tx.job_no = job.job_no and live
)
select n, total, (select count(*) from booked) as booked_n, (select coalesce(sum(amount), 0) from booked) as booked_total
from job;

-- Free again: never signed; or refused by a final event; or every deadline is behind a final block, at which the
-- contract was asked and does not know the job. The deadline stands in the job's own row, so that this waits for
-- whoever is signing, and then sees it.
-- name: release
with job as (
    update payout.job set state = 'released', booking = 'free', note = :note, changed_utc = now()
    where job.job_id = :job_id and booking = 'open' and state <> 'quarantined' and case :cause
        when 'unsigned' then deadline is null and state = 'reserved'
        when 'expired' then deadline < cast(:final_timestamp as bigint) and not exists (
            select from payout.event where event.job_id = job.job_id and removed_utc is null
        )
        when 'refused' then exists (
            select from payout.event
            where event.job_id = job.job_id and event.chain_id = job.chain_id and event.contract = job.contract
              and event.status in (3, 4) and event.removed_utc is null
              and event.block = cast(:block as bigint) and event.block_hash = :block_hash
              and event.block <= cast(:final_block as bigint)
        )
    end
    returning job.job_no, job.n, job.total
), booked as (
    update payout.account set in_flight = 0, in_flight_job = null
    from job join payout.item using (job_no)
    where account.user_id = item.user_id and in_flight_job = job.job_no and in_flight = amount
    returning amount
), dead as (
    update payout.tx set live = false from job where tx.job_no = job.job_no and live
)
select n, total, (select count(*) from booked) as booked_n, (select coalesce(sum(amount), 0) from booked) as booked_total
from job;

-- ── Wallets that the token refuses ───────────────────────────────────────────────────────────────

-- name: poison
insert into payout.poison (wallet, reason)
select wallet, max(reason)
from unnest(cast(:ords as integer[]), cast(:reasons as text[])) as found (ord, reason)
join payout.item using (ord) join payout.job using (job_no)
where job_id = :job_id
group by wallet
on conflict (wallet) do update set reason = excluded.reason, found_utc = now();

-- name: pardon
delete from payout.poison where wallet = :wallet;

-- ── Transactions ─────────────────────────────────────────────────────────────────────────────────

-- name: lock_signer
select pg_try_advisory_lock(hashtextextended('payout:' || :signer_key, 0));

-- name: unlock_signer
select pg_advisory_unlock(hashtextextended('payout:' || :signer_key, 0));

-- name: holds_signer
select exists (
    select from pg_locks, hashtextextended('payout:' || :signer_key, 0) as lock_key
    where locktype = 'advisory' and granted and objsubid = 1 and pid = pg_backend_pid()
      and classid::bigint = (lock_key >> 32) & 4294967295
      and objid::bigint = lock_key & 4294967295
);

-- The lowest nonce that is neither mined nor held by a live transaction: a gap would stop all that come after it.
-- name: next_nonce
with live as (
    select nonce from payout.tx where live and chain_id = :chain_id and signer = :signer and nonce >= :mined
)
select min(nonce) as nonce from (
    select cast(:mined as bigint) as nonce union all select nonce + 1 from live
) as free
where not exists (select from live where live.nonce = free.nonce);

-- What was signed for the same job before makes way; at this nonce another job's does not, and the unique index refuses.
-- name: replace_tx
update payout.tx set live = false
from payout.job
where tx.job_no = job.job_no and live and job_id = :job_id;

-- name: store_tx
with job as (
    update payout.job set
        deadline = greatest(job.deadline, cast(:deadline as bigint)), changed_utc = now(),
        state = case state when 'reserved' then 'signed' else state end
    where job_id = :job_id and digest = :digest and chain_id = :chain_id and contract = :contract
      and booking = 'open' and state <> 'quarantined'
    returning job_no, chain_id
)
insert into payout.tx (tx_hash, job_no, chain_id, signer, nonce, gas, max_fee_wei, tip_wei, deadline, raw)
select :tx_hash, job_no, chain_id, :signer, :nonce, :gas, :max_fee_wei, :tip_wei, :deadline, :raw from job
on conflict (tx_hash) do update set live = true where tx.job_no = excluded.job_no;

-- name: transactions
select tx_hash, signer, nonce, gas, max_fee_wei, tip_wei, tx.deadline, raw, live
from payout.tx join payout.job using (job_no)
where job_id = :job_id order by signed_utc desc, nonce desc, max_fee_wei desc;

-- ── The inbox of events ──────────────────────────────────────────────────────────────────────────

-- name: take_in
insert into payout.event
    (chain_id, contract, block, block_hash, tx_hash, log_index, job_id, status, n, total, reason)
values (:chain_id, :contract, :block, :block_hash, :tx_hash, :log_index, :job_id, :status, :n, :total, :reason)
on conflict (chain_id, block_hash, log_index) do update set removed_utc = null;

-- name: read_cursor
select block, block_hash from payout.cursor where chain_id = :chain_id and contract = :contract;

-- name: set_cursor
insert into payout.cursor (chain_id, contract, block, block_hash)
values (:chain_id, :contract, :block, :block_hash)
on conflict (chain_id, contract) do update set block = excluded.block, block_hash = excluded.block_hash;

-- name: disown
update payout.event set removed_utc = now()
where chain_id = :chain_id and contract = :contract and block > :block and removed_utc is null;

-- name: known_blocks
select distinct block, block_hash from payout.event
where chain_id = :chain_id and contract = :contract and removed_utc is null and block > cast(:above as bigint)
order by block;

-- name: events_of_open_jobs
select distinct on (event.job_id) event.job_id, event.status, event.block, event.block_hash, event.tx_hash, event.reason
from payout.event join payout.job
  on job.job_id = event.job_id and job.chain_id = event.chain_id and job.contract = event.contract
where booking = 'open' and event.chain_id = :chain_id and event.contract = :contract and removed_utc is null
order by event.job_id, block desc, log_index desc;
