-- Every check gives what is wrong: its subject, what was found, and how many there are in all.

-- name: check_accounts
with booked as (
    select user_id,
           coalesce(sum(amount) filter (where booking = 'paid'), 0) as paid,
           coalesce(sum(amount) filter (where booking = 'open'), 0) as in_flight,
           count(*) filter (where booking = 'open') as open_jobs
    from payout.item join payout.job using (job_no) group by user_id
)
select 'user ' || user_id as subject, format(
           'account: %s paid, %s in flight; items: %s paid, %s in flight, %s open jobs',
           account.paid, account.in_flight, booked.paid, booked.in_flight, coalesce(open_jobs, 0)
       ) as told, count(*) over () as found
from payout.account full join booked using (user_id)
where (coalesce(account.paid, 0), coalesce(account.in_flight, 0))
      is distinct from (coalesce(booked.paid, 0), coalesce(booked.in_flight, 0))
   or open_jobs > 1
order by user_id limit :most;

-- name: check_jobs
select 'job 0x' || encode(job_id, 'hex') as subject,
       format('%s items of %s, the job says %s of %s', items.n, items.total, job.n, job.total) as told,
       count(*) over () as found
from payout.job left join (
    select job_no, count(*) as n, sum(amount) as total, max(ord) as last from payout.item group by job_no
) as items using (job_no)
where (items.n, items.last, items.total) is distinct from (job.n, job.n, job.total)
order by job_no limit :most;

-- An event of a job that we never made: somebody else submits with our key.
-- name: check_orphan_events
select 'job 0x' || encode(event.job_id, 'hex') as subject,
       format('status %s in block %s, transaction %s', status, block, tx_hash) as told, count(*) over () as found
from payout.event
where event.chain_id = :chain_id and event.contract = :contract and removed_utc is null and not exists (
    select from payout.job
    where job.job_id = event.job_id and job.chain_id = event.chain_id and job.contract = event.contract
)
order by block, log_index limit :most;

-- name: check_paid_without_event
select 'job 0x' || encode(job_id, 'hex') as subject, format('booked as paid, %s', total) as told,
       count(*) over () as found
from payout.job
where chain_id = :chain_id and contract = :contract and booking = 'paid' and not exists (
    select from payout.event
    where event.job_id = job.job_id and event.chain_id = job.chain_id and event.contract = job.contract
      and status = 2 and removed_utc is null and event.n = job.n and event.total = job.total
)
order by job_no limit :most;

-- name: check_freed_but_paid
select 'job 0x' || encode(job.job_id, 'hex') as subject,
       format('released, but completed in block %s, transaction %s', block, tx_hash) as told, count(*) over () as found
from payout.job join payout.event using (job_id, chain_id, contract)
where chain_id = :chain_id and contract = :contract and booking = 'free' and status = 2 and removed_utc is null
order by job_no limit :most;

-- name: check_unbooked
select 'job 0x' || encode(job.job_id, 'hex') as subject,
       format('%s, but completed in block %s, transaction %s', state, block, tx_hash) as told, count(*) over () as found
from payout.job join payout.event using (job_id, chain_id, contract)
where chain_id = :chain_id and contract = :contract and booking = 'open' and status = 2 and removed_utc is null
  and block <= cast(:final_block as bigint)
order by job_no limit :most;

-- name: check_quarantined
select 'job 0x' || encode(job_id, 'hex') as subject, format('%s: %s', booking, note) as told, count(*) over () as found
from payout.job where state = 'quarantined' order by job_no limit :most;

-- Each row by the one before it, and each job by its last row: so neither can a row be changed, taken out or cut
-- off at the end, nor a job be changed behind the journal's back.
-- name: check_journal
select subject, told, count(*) over () as found from (
    select 'row ' || no as subject, case
               when hash is distinct from own then 'was changed'
               when no <> before_no + 1 then 'does not follow the row before it'
               else 'does not hold the hash of the row before it'
           end as told, no
    from (
        select no, hash, previous, payout.journal_hash(journal) as own,
               lag(no, 1, cast(0 as bigint)) over (order by no) as before_no,
               lag(hash, 1, cast('\x' as bytea)) over (order by no) as before_hash
        from payout.journal
    ) as linked
    where hash is distinct from own or no <> before_no + 1 or previous is distinct from before_hash
    union all
    select 'job 0x' || encode(job_id, 'hex'), 'is not as its last row says', null
    from payout.job full join (
        select distinct on (job_id) * from payout.journal order by job_id, no desc
    ) as latest using (job_id)
    where (job.state, job.booking, job.plan_hash, job.digest, job.n, job.total, job.deadline, job.note)
          is distinct from
          (latest.state, latest.booking, latest.plan_hash, latest.digest, latest.n, latest.total, latest.deadline,
           latest.note)
) as broken
order by no, subject limit :most;

-- name: packed_jobs
select job_id, digest, (
    select string_agg(payout.word(wallet, amount), '' order by ord) from payout.item where item.job_no = job.job_no
) as payload
from payout.job order by job_no;

-- name: totals
select (select count(*) from payout.account) as players,
       (select coalesce(sum(paid), 0) from payout.account) as paid,
       (select coalesce(sum(in_flight), 0) from payout.account) as in_flight,
       (select count(*) from payout.job where booking = 'open') as open_jobs,
       (select count(*) from payout.job where booking = 'open' and (chain_id, contract) <> (:chain_id, :contract))
           as open_elsewhere,
       (select coalesce(sum(total), 0) from payout.event
        where chain_id = :chain_id and contract = :contract and status = 2 and removed_utc is null) as on_chain,
       (select count(*) from payout.hold) as held,
       (select encode(hash, 'hex') from payout.journal order by no desc limit 1) as journal;

-- ── One player's whole story ─────────────────────────────────────────────────────────────────────

-- name: player_account
select account.paid, account.in_flight, hold.reason as held_for, hold.amount as held_amount, hold.since_utc as held_utc
from (select cast(:user_id as bigint) as user_id) as player
left join payout.account using (user_id) left join payout.hold using (user_id);

-- name: player_payments
select job_id, state, batch_no, '0x' || encode(wallet, 'hex') as wallet, amount, reserved_utc, changed_utc, note,
       array(select tx_hash from payout.tx where tx.job_no = job.job_no order by signed_utc) as tx_hashes,
       array(
           select format('%s %s %s', status, block, tx_hash) from payout.event
           where event.job_id = job.job_id and event.chain_id = job.chain_id and removed_utc is null
           order by block, log_index
       ) as events
from payout.item join payout.job using (job_no)
where user_id = :user_id order by job_no;
