-- What the game says, as it was in one moment.
-- name: make_snapshot
create temporary table payout_snapshot (user_id bigint, coins numeric, wallet text collate "C") on commit drop;

-- name: key_snapshot
alter table payout_snapshot add primary key (user_id);

-- name: analyse_snapshot
analyze payout_snapshot;

-- name: make_due
create temporary table payout_due (
    user_id bigint, wallet text collate "C", amount numeric, paid numeric, reason text
) on commit drop;

-- The same as rules.decide, but for the checksum.
-- name: weigh
insert into payout_due
select user_id, wallet, amount, paid, case
    when amount is null then 'bad balance'
    when amount < 0 then 'overpaid'
    when amount < cast(:minimum as numeric) then 'below the minimum'
    when amount > cast(:largest as numeric) then 'above the maximum'
    when wallet is null or wallet = '' then 'no wallet'
    when length(wallet) <> 42 or wallet !~ '^0x[0-9a-fA-F]*$' then case btrim(wallet) when '' then 'no wallet' else 'malformed wallet' end
    when wallet = '0x0000000000000000000000000000000000000000' then 'zero address'
    when spelt in (:contract, :token) then 'contract or token'
    when spelt in (select '0x' || encode(poison.wallet, 'hex') from payout.poison) then 'refused by the token'
end
from (
    select user_id, wallet, lower(wallet) as spelt, coalesce(paid, 0) as paid, case
        when coins >= 0 and coins < 'Infinity' then floor(coins * cast(:units_per_coin as numeric)) - coalesce(paid, 0)
    end as amount
    from payout_snapshot left join payout.account using (user_id)
    where coalesce(in_flight, 0) = 0
    offset 0 -- else what is computed here is computed anew at each place where it stands
) as found
where amount is distinct from 0;

-- name: make_misspelt
create temporary table payout_misspelt (user_id bigint) on commit drop;

-- name: hold_misspelt
update payout_due set reason = 'bad checksum'
from payout_misspelt where payout_due.user_id = payout_misspelt.user_id and reason is null;

-- From here on the stored plan. Its own row goes first: whoever reserves it holds that row.
-- name: forget_plan
delete from payout.plan where slot = :slot;

-- name: forget_batches
delete from payout.plan_batch where slot = :slot;

-- name: forget_rows_live
truncate payout.plan_item_live, payout.plan_hold_live;

-- name: forget_rows_preview
truncate payout.plan_item_preview, payout.plan_hold_preview;

-- name: store_holds
insert into payout.plan_hold (slot, user_id, reason, amount)
select :slot, user_id, reason, amount from payout_due where reason is not null;

-- name: store_items
insert into payout.plan_item (slot, ord, user_id, wallet, amount, paid, running)
select :slot, row_number() over by_user, user_id, decode(substr(wallet, 3), 'hex'), amount, paid,
       sum(amount) over by_user
from payout_due where reason is null
window by_user as (order by user_id rows unbounded preceding);

-- A batch at a time: it ends where its number or its sum is full. The item where it ends is found from behind,
-- mostly at once, as `running` grows.
-- name: store_batches
insert into payout.plan_batch (slot, batch_no, first_ord, last_ord, n, total)
with recursive batch (batch_no, first_ord, last_ord, before, running) as (
    select 0, cast(0 as bigint), cast(0 as bigint), cast(0 as numeric), cast(0 as numeric)
    union all
    select batch_no + 1, batch.last_ord + 1, last.ord, batch.running, last.running
    from batch cross join lateral (
        select ord, item.running from payout.plan_item as item
        where slot = :slot and ord > batch.last_ord and ord <= batch.last_ord + :batch_size
          and item.running <= batch.running + cast(:max_per_job as numeric)
        order by ord desc limit 1
    ) as last
)
select :slot, batch_no, first_ord, last_ord, last_ord - first_ord + 1, running - before
from batch where batch_no > 0;

-- name: batch_digests
select digest from payout.plan_batch as batch cross join lateral (
    select sha256(string_agg(int8send(user_id) || payout.word(wallet, amount), '' order by ord)) as digest
    from payout.plan_item where slot = :slot and ord between batch.first_ord and batch.last_ord
) as packed
where batch.slot = :slot order by batch_no;

-- name: store_plan
insert into payout.plan (slot, hash, chain_id, contract, token, policy, users, waiting, n, total, batches)
select :slot, :hash, :chain_id, :contract, :token, :policy,
       (select count(*) from payout_snapshot),
       (select count(*) from payout_snapshot join payout.account using (user_id) where in_flight > 0),
       coalesce(sum(n), 0), coalesce(sum(total), 0), count(*)
from payout.plan_batch where slot = :slot;

-- name: read_plan
select slot, encode(hash, 'hex') as hash, users, waiting, n, total, batches, made_utc
from payout.plan where slot = :slot or hash = :hash order by slot = :slot desc limit 1;

-- name: read_held
select reason, count(*) as players, coalesce(sum(amount), 0) as amount
from payout.plan_hold where slot = :slot group by reason order by reason;

-- name: read_batches
select n, total from payout.plan_batch where slot = :slot order by batch_no;

-- name: read_pays
select user_id, '0x' || encode(wallet, 'hex') as wallet, amount from payout.plan_item
where slot = :slot order by amount desc, user_id limit :most;

-- name: read_holds
select user_id, reason, amount from (
    select *, row_number() over (partition by reason order by abs(amount) desc nulls first, user_id) as place
    from payout.plan_hold where slot = :slot
) as held
where place <= :most order by reason, place;

-- Only what changed is written: most of those held today were held yesterday.
-- name: forget_holds
delete from payout.hold where not exists (
    select from payout.plan_hold as held where held.slot = :slot and held.user_id = hold.user_id
);

-- name: refresh_holds
insert into payout.hold as hold (user_id, reason, amount)
select user_id, reason, amount from payout.plan_hold where slot = :slot
on conflict (user_id) do update
set reason = excluded.reason, amount = excluded.amount,
    since_utc = case hold.reason when excluded.reason then hold.since_utc else now() end
where (hold.reason, hold.amount) is distinct from (excluded.reason, excluded.amount);

-- What waits for a wallet, or until it is enough. Not an amount that no job can hold: it is a mistake more likely than
-- a debt, and one of them would hide all others.
-- name: note_held
insert into payout.held_day (day, amount)
select cast(now() at time zone 'UTC' as date), coalesce(sum(amount) filter (
    where amount > 0 and reason <> 'above the maximum'
), 0)
from payout.plan_hold where slot = :slot
on conflict (day) do update set amount = excluded.amount;
