"""Rows for the benchmark of rights: many streets with as many cases each; all of them synthetic.

The demo street is real work of the program; its cases' shape is copied by SQL into the other streets.
"""

from sqlalchemy import text

from gridmgmt.storage.db import Db

STREET = "120116005"

_STREETS = text("""
    insert into app.subdistricts
    select '1' || lpad(cast(n as text), 8, '0'), '合成街道' || n, district_code,
           district_name, head, outline, outline_note, valid_from, approval_no, calendar_id
      from app.subdistricts, generate_series(1, :others) n where code = :street
""")
_REPORTS = text("""
    insert into app.reports (id, subdistrict_code, reporter_id, source, category, description, lon, lat,
        datum, self_handled, observed_at, received_at, content_sha256, answer)
    select md5(s.code || n)::uuid, s.code, p.id, 'patrol', 'matter:09006', '合成上报 ' || n,
           117.85, 39.03, 'wgs84', false, :now - n * interval '10 minutes',
           :now - n * interval '10 minutes', decode(md5(s.code || n), 'hex'), '{}'
      from app.subdistricts s, generate_series(1, :each) n,
           (select id from app.people where login = 'demo-worker-001') p
""")
_CASES = text("""
    with cells as (
        select array_agg(code order by code) as codes, plan_id from app.grid_cells group by plan_id)
    insert into app.cases (id, number, report_id, subdistrict_code, community_code, cell_code, plan_id,
        category, source, state, version, reported_by, reported_at, updated_at, needs_confirmation,
        needs_feedback, unit_code, limit_amount, limit_unit, clock_started_at, due_at, stage_due_at,
        closed_at, ruled, rework_count, return_count, acted, routing, duty, place, h3)
    select r.id, 'S' || r.subdistrict_code || '-' || k.n, r.id, r.subdistrict_code,
           substr(k.cell, 1, 12), k.cell, cells.plan_id, r.category, r.source, k.state, 2, r.reporter_id,
           r.received_at, r.received_at, false, false, 'HZD-01', 4, 'working_hour', r.received_at,
           r.received_at + interval '1 day', r.received_at + interval '1 day',
           case when k.state = 'closed' then r.received_at + interval '6 hours' end, false, 0, 0,
           '{}', '{}', '{}',
           st_setsrid(st_makepoint(117.80 + k.x / 20, 39.00 + k.y / 25), st_srid(s.outline)), k.hex
      from cells, (select code, outline from app.subdistricts where code = :street) s,
           (select r.*, row_number() over (partition by subdistrict_code order by received_at) as n
              from app.reports r) r,
           lateral (select r.n, cells.codes[1 + r.n % array_length(cells.codes, 1)] as cell,
                           case when r.n % 20 = 0 then 'handling' when r.n % 33 = 0 then 'filed'
                                else 'closed' end as state,
                           (r.n * 7919 % 1000) / 1000.0 as x, (r.n * 104729 % 1000) / 1000.0 as y,
                           626741999999999999 + r.n % 500 as hex) k
""")
_STEPS = text("""
    insert into app.case_steps (case_id, seq, action, from_state, to_state, actor_id, at, facts, article,
                                subdistrict_code)
    select c.id, k, case k when 1 then 'report' else 'accept' end, null, 'reported', c.reported_by,
           c.reported_at,
           '{}', '22-1', c.subdistrict_code
      from app.cases c, generate_series(1, 2) k
""")
_OUTBOX = text("""
    insert into app.outbox (subdistrict_code, kind, case_id, at, facts, delivered_at, delivery_no)
    select subdistrict_code, 'report_received', id, reported_at,
           jsonb_build_object('number', number, 'state', state), reported_at,
           row_number() over (order by reported_at)
      from app.cases
""")


def fill(db: Db, others: int, each: int, now: object) -> int:
    """Add ``others`` streets and ``each`` cases in every street; how many cases there are then."""
    db.execute(text("set local session_replication_role = replica"))
    db.execute(text("set local statement_timeout = 0"))
    db.execute(_STREETS, {"others": others, "street": STREET})
    db.execute(_REPORTS, {"each": each, "now": now})
    db.execute(_CASES, {"street": STREET})
    for statement in (_STEPS, _OUTBOX):
        db.execute(statement)
    return int(db.execute(text("select count(*) from app.cases")).scalar_one())
