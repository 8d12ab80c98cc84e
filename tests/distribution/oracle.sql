-- theories
SELECT dssb_app.softcollection_theories.theory_id, dssb_app.softcollection_theories.theory_name, dssb_app.softcollection_theories.theory_start_date, dssb_app.softcollection_theories.theory_end_date
FROM dssb_app.softcollection_theories
WHERE (dssb_app.softcollection_theories.theory_start_date < :theory_start_date_1 OR dssb_app.softcollection_theories.theory_start_date IS NULL) AND (dssb_app.softcollection_theories.theory_end_date >= :theory_end_date_1 OR dssb_app.softcollection_theories.theory_end_date IS NULL) ORDER BY dssb_app.softcollection_theories.theory_id

-- theories_named
SELECT dssb_app.softcollection_theories.theory_id, dssb_app.softcollection_theories.theory_name, dssb_app.softcollection_theories.theory_start_date, dssb_app.softcollection_theories.theory_end_date
FROM dssb_app.softcollection_theories
WHERE rtrim(dssb_app.softcollection_theories.theory_id) IN (:rtrim_1_1, :rtrim_1_2) OR rtrim(dssb_app.softcollection_theories.theory_id) IN (:rtrim_2_1, :rtrim_2_2, :rtrim_2_3, :rtrim_2_4, :rtrim_2_5, :rtrim_2_6, :rtrim_2_7, :rtrim_2_8, :rtrim_2_9, :rtrim_2_10)

-- users
SELECT spss_user_dracrm.sc_1_120.iin
FROM spss_user_dracrm.sc_1_120
WHERE spss_user_dracrm.sc_1_120.count_day = :count_day_1

-- assigned
SELECT dssb_app.sc_local_control.iin
FROM dssb_app.sc_local_control
WHERE dssb_app.sc_local_control.date_end >= :date_end_1 OR rtrim(dssb_app.sc_local_control.theory_id) IN (:rtrim_1_1, :rtrim_1_2, :rtrim_1_3, :rtrim_1_4, :rtrim_1_5, :rtrim_1_6, :rtrim_1_7, :rtrim_1_8, :rtrim_1_9, :rtrim_1_10)

-- assigned in these campaigns
SELECT dssb_app.sc_local_control.iin
FROM dssb_app.sc_local_control
WHERE rtrim(dssb_app.sc_local_control.theory_id) IN (:rtrim_1_1, :rtrim_1_2, :rtrim_1_3, :rtrim_1_4, :rtrim_1_5, :rtrim_1_6, :rtrim_1_7, :rtrim_1_8, :rtrim_1_9, :rtrim_1_10)

-- tabs
SELECT anon_1.theory_id, anon_1.tab1, anon_1.tab2, anon_1.tab3, anon_1.tab4, anon_1.tab5
FROM (SELECT rtrim(dssb_app.sc_local_target.theory_id) AS theory_id, dssb_app.sc_local_target.tab1 AS tab1, dssb_app.sc_local_target.tab2 AS tab2, dssb_app.sc_local_target.tab3 AS tab3, dssb_app.sc_local_target.tab4 AS tab4, dssb_app.sc_local_target.tab5 AS tab5, row_number() OVER (PARTITION BY rtrim(dssb_app.sc_local_target.theory_id) ORDER BY dssb_app.sc_local_target.insert_datetime DESC, dssb_app.sc_local_target.iin) AS place
FROM dssb_app.sc_local_target
WHERE rtrim(dssb_app.sc_local_target.theory_id) IN (:rtrim_1_1, :rtrim_1_2, :rtrim_1_3, :rtrim_1_4, :rtrim_1_5, :rtrim_1_6, :rtrim_1_7, :rtrim_1_8, :rtrim_1_9, :rtrim_1_10)) anon_1
WHERE anon_1.place = :place_1

-- counts
SELECT rtrim(spss.sc_theory_users.theory_id) AS theory_id, count(*) AS users
FROM spss.sc_theory_users
WHERE spss.sc_theory_users.insert_datetime = :insert_datetime_1 GROUP BY rtrim(spss.sc_theory_users.theory_id)

-- any_row
SELECT count(*) AS count_1
FROM dssb_app.sc_local_target
WHERE dssb_app.sc_local_target.insert_datetime = :insert_datetime_1

-- outbox
SELECT DISTINCT rtrim(dssb_app.sc_local_target.theory_id) AS theory_id, dssb_app.sc_local_target.date_start, dssb_app.sc_local_target.date_end, dssb_app.sc_local_target.tab1, dssb_app.sc_local_target.tab2, dssb_app.sc_local_target.tab3, dssb_app.sc_local_target.tab4, dssb_app.sc_local_target.tab5
FROM dssb_app.sc_local_target
WHERE dssb_app.sc_local_target.insert_datetime = :insert_datetime_1

-- members
SELECT rtrim(spss.sc_theory_users.iin) AS rtrim_1
FROM spss.sc_theory_users
WHERE spss.sc_theory_users.insert_datetime = :insert_datetime_1 AND rtrim(spss.sc_theory_users.theory_id) = :rtrim_2

-- members who are alike
SELECT rtrim(dssb_app.sc_local_target.iin) AS rtrim_1
FROM dssb_app.sc_local_target
WHERE dssb_app.sc_local_target.insert_datetime = :insert_datetime_1 AND rtrim(dssb_app.sc_local_target.theory_id) = :rtrim_2 AND dssb_app.sc_local_target.date_start = :date_start_1 AND dssb_app.sc_local_target.date_end = :date_end_1 AND dssb_app.sc_local_target.tab1 = :tab1_1 AND dssb_app.sc_local_target.tab2 IS NULL

-- fence
SELECT dssb_app.sc_distribution_fence.kind
FROM dssb_app.sc_distribution_fence
WHERE dssb_app.sc_distribution_fence.kind = :kind_1 FOR UPDATE NOWAIT

-- day
SELECT dssb_app.sc_distribution_run.business_date, dssb_app.sc_distribution_run.kind, dssb_app.sc_distribution_run.run_id, dssb_app.sc_distribution_run.status, dssb_app.sc_distribution_run.count_day, dssb_app.sc_distribution_run.remainder, dssb_app.sc_distribution_run.campaign_ids, dssb_app.sc_distribution_run.seed, dssb_app.sc_distribution_run.cohort_digest, dssb_app.sc_distribution_run.rows_read, dssb_app.sc_distribution_run.rows_blank, dssb_app.sc_distribution_run.rows_duplicate, dssb_app.sc_distribution_run.users_excluded, dssb_app.sc_distribution_run.users_malformed, dssb_app.sc_distribution_run.users, dssb_app.sc_distribution_run.users_a, dssb_app.sc_distribution_run.users_b, dssb_app.sc_distribution_run.users_c, dssb_app.sc_distribution_run.users_d, dssb_app.sc_distribution_run.users_e, dssb_app.sc_distribution_run.insert_datetime, dssb_app.sc_distribution_run.checks, dssb_app.sc_distribution_run.requested_by, dssb_app.sc_distribution_run.approved_by, dssb_app.sc_distribution_run.planned_at, dssb_app.sc_distribution_run.applied_at, dssb_app.sc_distribution_run.completed_at, dssb_app.sc_distribution_run.mailed_at
FROM dssb_app.sc_distribution_run
WHERE dssb_app.sc_distribution_run.business_date = :business_date_1 AND dssb_app.sc_distribution_run.kind = :kind_1

-- days
SELECT dssb_app.sc_distribution_run.business_date, dssb_app.sc_distribution_run.kind, dssb_app.sc_distribution_run.run_id, dssb_app.sc_distribution_run.status, dssb_app.sc_distribution_run.count_day, dssb_app.sc_distribution_run.remainder, dssb_app.sc_distribution_run.campaign_ids, dssb_app.sc_distribution_run.seed, dssb_app.sc_distribution_run.cohort_digest, dssb_app.sc_distribution_run.rows_read, dssb_app.sc_distribution_run.rows_blank, dssb_app.sc_distribution_run.rows_duplicate, dssb_app.sc_distribution_run.users_excluded, dssb_app.sc_distribution_run.users_malformed, dssb_app.sc_distribution_run.users, dssb_app.sc_distribution_run.users_a, dssb_app.sc_distribution_run.users_b, dssb_app.sc_distribution_run.users_c, dssb_app.sc_distribution_run.users_d, dssb_app.sc_distribution_run.users_e, dssb_app.sc_distribution_run.insert_datetime, dssb_app.sc_distribution_run.checks, dssb_app.sc_distribution_run.requested_by, dssb_app.sc_distribution_run.approved_by, dssb_app.sc_distribution_run.planned_at, dssb_app.sc_distribution_run.applied_at, dssb_app.sc_distribution_run.completed_at, dssb_app.sc_distribution_run.mailed_at
FROM dssb_app.sc_distribution_run
WHERE dssb_app.sc_distribution_run.kind = :kind_1 AND dssb_app.sc_distribution_run.business_date >= :business_date_1 AND dssb_app.sc_distribution_run.business_date <= :business_date_2 ORDER BY dssb_app.sc_distribution_run.business_date DESC

-- past
SELECT dssb_app.sc_distribution_run.business_date, dssb_app.sc_distribution_run.users, dssb_app.sc_distribution_run.cohort_digest, dssb_app.sc_distribution_run.users_a, dssb_app.sc_distribution_run.users_b, dssb_app.sc_distribution_run.users_c, dssb_app.sc_distribution_run.users_d, dssb_app.sc_distribution_run.users_e
FROM dssb_app.sc_distribution_run
WHERE dssb_app.sc_distribution_run.kind = :kind_1 AND dssb_app.sc_distribution_run.business_date >= :business_date_1 AND dssb_app.sc_distribution_run.business_date <= :business_date_2 AND dssb_app.sc_distribution_run.users > :users_1 AND dssb_app.sc_distribution_run.status IN (:status_1_1, :status_1_2) ORDER BY dssb_app.sc_distribution_run.business_date DESC

-- open_days
SELECT dssb_app.sc_distribution_run.business_date
FROM dssb_app.sc_distribution_run
WHERE dssb_app.sc_distribution_run.kind = :kind_1 AND (dssb_app.sc_distribution_run.status = :status_1 OR (dssb_app.sc_distribution_run.status = :status_2 OR dssb_app.sc_distribution_run.status = :status_3 AND dssb_app.sc_distribution_run.business_date != :business_date_1) AND dssb_app.sc_distribution_run.mailed_at IS NULL) ORDER BY dssb_app.sc_distribution_run.business_date

-- begin
INSERT INTO dssb_app.sc_distribution_run (business_date, kind, run_id, status) VALUES (:business_date, :kind, :run_id, :status)

-- advance
UPDATE dssb_app.sc_distribution_run SET mailed_at=:mailed_at WHERE dssb_app.sc_distribution_run.business_date = :business_date_1 AND dssb_app.sc_distribution_run.kind = :kind_1 AND dssb_app.sc_distribution_run.status IN (:status_1_1, :status_1_2)

-- apply
UPDATE dssb_app.sc_distribution_run SET status=:status, applied_at=:applied_at WHERE dssb_app.sc_distribution_run.business_date = :business_date_1 AND dssb_app.sc_distribution_run.kind = :kind_1 AND dssb_app.sc_distribution_run.status IN (:status_1_1) AND dssb_app.sc_distribution_run.run_id = :run_id_1

-- insert control
INSERT INTO dssb_app.sc_local_control (iin, theory_id, date_start, date_end, insert_datetime, tab1, tab2, tab3, tab4, tab5) VALUES (:iin, :theory_id, :date_start, :date_end, :insert_datetime, :tab1, :tab2, :tab3, :tab4, :tab5)

-- insert target
INSERT INTO dssb_app.sc_local_target (iin, theory_id, date_start, date_end, insert_datetime, tab1, tab2, tab3, tab4, tab5) VALUES (:iin, :theory_id, :date_start, :date_end, :insert_datetime, :tab1, :tab2, :tab3, :tab4, :tab5)

-- insert mirror
INSERT INTO spss.sc_theory_users (iin, theory_id, date_start, date_end, insert_datetime, tab1, tab2, tab3, tab4, tab5) VALUES (:iin, :theory_id, :date_start, :date_end, :insert_datetime, :tab1, :tab2, :tab3, :tab4, :tab5)

-- doctor: read
SELECT dssb_app.sc_distribution_run.business_date, dssb_app.sc_distribution_run.kind, dssb_app.sc_distribution_run.run_id, dssb_app.sc_distribution_run.status, dssb_app.sc_distribution_run.count_day, dssb_app.sc_distribution_run.remainder, dssb_app.sc_distribution_run.campaign_ids, dssb_app.sc_distribution_run.seed, dssb_app.sc_distribution_run.cohort_digest, dssb_app.sc_distribution_run.rows_read, dssb_app.sc_distribution_run.rows_blank, dssb_app.sc_distribution_run.rows_duplicate, dssb_app.sc_distribution_run.users_excluded, dssb_app.sc_distribution_run.users_malformed, dssb_app.sc_distribution_run.users, dssb_app.sc_distribution_run.users_a, dssb_app.sc_distribution_run.users_b, dssb_app.sc_distribution_run.users_c, dssb_app.sc_distribution_run.users_d, dssb_app.sc_distribution_run.users_e, dssb_app.sc_distribution_run.insert_datetime, dssb_app.sc_distribution_run.checks, dssb_app.sc_distribution_run.requested_by, dssb_app.sc_distribution_run.approved_by, dssb_app.sc_distribution_run.planned_at, dssb_app.sc_distribution_run.applied_at, dssb_app.sc_distribution_run.completed_at, dssb_app.sc_distribution_run.mailed_at
FROM dssb_app.sc_distribution_run
WHERE 0 = 1

-- doctor: append
INSERT INTO spss.sc_theory_users (iin, theory_id, date_start, date_end, insert_datetime, tab1, tab2, tab3, tab4, tab5) SELECT spss.sc_theory_users.iin, spss.sc_theory_users.theory_id, spss.sc_theory_users.date_start, spss.sc_theory_users.date_end, spss.sc_theory_users.insert_datetime, spss.sc_theory_users.tab1, spss.sc_theory_users.tab2, spss.sc_theory_users.tab3, spss.sc_theory_users.tab4, spss.sc_theory_users.tab5
FROM spss.sc_theory_users
WHERE 0 = 1

