-- Functions that rights rest on; made anew after every migration, by the owner of schema app.

-- What the transaction acts with (set by gridmgmt.storage.db.act_as). An unset or ended setting is null or
-- '': nothing is in scope and nothing is allowed.
create or replace function app.my_subdistricts() returns text[] language sql stable parallel safe as $$
    select string_to_array(nullif(current_setting('app.subdistricts', true), ''), ',')
$$;

create or replace function app.my_uid() returns uuid language sql stable parallel safe as $$
    select cast(nullif(current_setting('app.uid', true), '') as uuid)
$$;

create or replace function app.may(asked text) returns boolean language sql stable parallel safe as $$
    select strpos(current_setting('app.rights', true), ',' || asked || ',') > 0
$$;

-- Whoever has a role in a subdistrict of mine, or belongs there without having one yet.
create or replace function app.my_people() returns setof uuid language sql stable parallel safe as $$
    select person_id from app.person_roles where subdistrict_code = any(app.my_subdistricts())
    union all
    select id from app.people where subdistrict_code = any(app.my_subdistricts())
$$;

-- The people behind live sessions: all that a login may ask before it is somebody. Runs as the owner.
create or replace function app.signed_in(tokens bytea[], at timestamptz, seen_every interval) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select cast(json_object_agg(encode(s.token_sha256, 'hex'), json_build_object(
            'session', s.id, 'step_up', s.step_up_at, 'unseen', s.seen_at <= at - seen_every,
            'id', p.id, 'name', p.name, 'unit', p.unit_code,
            'roles', (select json_agg(distinct r.role) from app.person_roles r where r.person_id = p.id),
            'subdistricts', (select json_agg(distinct r.subdistrict_code)
                               from app.person_roles r where r.person_id = p.id),
            'cells', (select json_agg(w.cell_code) from app.cell_workers w
                       where w.person_id = p.id and w.valid_from <= cast(at as date)
                         and (w.valid_to is null or w.valid_to > cast(at as date))))) as text)
          from app.sessions s join app.people p on p.id = s.person_id
         where s.token_sha256 = any(tokens) and s.revoked_at is null and s.idle_at > at and s.expires_at > at
           and p.active);
end $$;

-- Which subdistricts there are, for whoever works for all of them.
create or replace function app.every_subdistrict() returns text[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (select coalesce(array_agg(s.code order by s.code), '{}') from app.subdistricts s);
end $$;

-- Every change of a rule raises the number that rulebooks in memory are held by, whoever makes it.
create or replace function app.raise_rulebook_revision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update app.rulebook_revision set revision = revision + 1;
    return null;
end $$;
