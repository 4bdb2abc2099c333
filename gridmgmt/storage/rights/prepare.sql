-- What only a superuser can do, once per database (and again after an upgrade of PostGIS): roles,
-- extensions, ownership, and the marks that keep maps fast under row-level security. Doing it twice
-- changes nothing. Roles belong to the whole server, everything else to the database it is run in:
--     gridmgmt db prepare --print | psql --dbname gridmgmt --set ON_ERROR_STOP=1
-- The logins get no password here; give each one of its own (\password gridmgmt_app).

set app.migration = 'prepare';

do $$
declare
    wall text;
    walls text[] := array['business', 'planner', 'administrator', 'security', 'auditor', 'system', 'sealer',
                          'rules', 'door', 'lookout', 'setup'];
    login text;
begin
    foreach wall in array walls || array['owner'] loop
        if not exists (select from pg_roles where rolname = 'gridmgmt_' || wall) then
            execute format('create role %I nologin', 'gridmgmt_' || wall);
        end if;
    end loop;
    foreach login in array array['migrate', 'app', 'worker'] loop
        if not exists (select from pg_roles where rolname = 'gridmgmt_' || login) then
            execute format('create role %I login noinherit', 'gridmgmt_' || login);
        end if;
    end loop;
    if not exists (select from pg_roles where rolname = 'gridmgmt_backup') then
        create role gridmgmt_backup login replication bypassrls;
    end if;
end $$;

-- Each login may become these, one transaction at a time, and is nothing of its own accord.
grant gridmgmt_owner, gridmgmt_setup, gridmgmt_rules to gridmgmt_migrate;
grant gridmgmt_business, gridmgmt_planner, gridmgmt_administrator, gridmgmt_security, gridmgmt_auditor,
      gridmgmt_rules, gridmgmt_door, gridmgmt_lookout to gridmgmt_app;
grant gridmgmt_system, gridmgmt_sealer, gridmgmt_rules, gridmgmt_lookout to gridmgmt_worker;

create extension if not exists postgis;
create extension if not exists btree_gist;
create extension if not exists pg_trgm;

create schema if not exists app authorization gridmgmt_owner;
alter schema app owner to gridmgmt_owner;

-- A database from before there was an owner: hand over what a superuser made.
do $$
declare
    thing record;
begin
    for thing in
        select c.oid::regclass as name, case c.relkind when 'S' then 'sequence' when 'v' then 'view'
                                        else 'table' end as kind
          from pg_class c
         where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
           and c.relowner <> 'gridmgmt_owner'::regrole
           -- The sequence of an identity column goes with its table.
           and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
                              and d.objid = c.oid and d.deptype = 'i')
    loop
        execute format('alter %s %s owner to gridmgmt_owner', thing.kind, thing.name);
    end loop;
    for thing in
        select p.oid::regprocedure as name from pg_proc p
         where p.pronamespace = 'app'::regnamespace and p.proowner <> 'gridmgmt_owner'::regrole
           and p.proname <> 'guard_audit_structure'
    loop
        execute format('alter function %s owner to gridmgmt_owner', thing.name);
    end loop;
end $$;

-- The box operator && compares bounding boxes and tells nothing of the values by an error or otherwise, so
-- it may be asked before the policies are: without this mark no map query under row-level security can
-- use a spatial index.
alter function geometry_overlaps(geometry, geometry) leakproof;

-- Functions that the application never calls (tests/architecture/test_banned_functions.py), taken from everybody:
-- one call may cost minutes beyond any timeout, or the whole server. st_estimatedextent runs as its owner.
do $$
declare
    banned constant text[] := array[
        'st_makevalid', 'st_generatepoints', 'st_hexagongrid', 'st_squaregrid', 'st_hexagon', 'st_square',
        'st_segmentize', 'st_subdivide', 'st_buffer', 'st_delaunaytriangles', 'st_voronoilines',
        'st_voronoipolygons', '_st_voronoi', 'st_polygonize', 'st_estimatedextent',
        'st_simplifypreservetopology', 'st_node', 'st_buildarea', 'st_concavehull', 'st_split', 'st_memunion', 'st_clusterkmeans',
        'st_offsetcurve', 'st_geomfromgml', 'st_geomfromkml'];
    function record;
begin
    for function in
        select p.oid::regprocedure as name, p.prokind from pg_proc p
         where p.proname = any(banned) and p.pronamespace <> 'app'::regnamespace
    loop
        execute format('revoke execute on routine %s from public', function.name);
    end loop;
end $$;

-- The audit log's tables, triggers and functions change only within a migration that names itself. Event
-- triggers belong to superusers, so that not even the owner of the schema can take these away.
create or replace function app.guard_audit_structure() returns event_trigger
language plpgsql set search_path = pg_catalog as $$
declare
    guarded constant text :=
        '^app\.(audit_log|audit_leaves|audit_checkpoints)(\..*)?$'
        '| on app\.(audit_log|audit_leaves|audit_checkpoints)$'
        '|^(keep_image|keep_truncation) on app\.'
        '|^app\.(refuse_rewriting|guard_audit_structure|keep_row_image|row_image|row_key|commitment)\(';
    touched text;
begin
    if coalesce(current_setting('app.migration', true), '') <> '' then
        return;
    end if;
    if tg_event = 'sql_drop' then
        select object_identity into touched from pg_event_trigger_dropped_objects()
         where object_identity ~ guarded limit 1;
    else
        select object_identity into touched from pg_event_trigger_ddl_commands()
         where object_identity ~ guarded and object_type <> 'index' limit 1;
        -- Renamed or moved away, it has another identity by now.
        -- (Only this command can do so; before the first migration there is nothing to miss.)
        touched := coalesce(touched, (
            select name
              from unnest(array['app.audit_log', 'app.audit_leaves', 'app.audit_checkpoints']) as name
             where tg_tag in ('ALTER TABLE', 'ALTER SCHEMA') and to_regclass(name) is null limit 1));
    end if;
    if touched is not null then
        raise exception '% of % belongs into a migration that names itself', tg_tag, touched
            using errcode = 'restrict_violation', hint = 'set app.migration';
    end if;
end $$;

do $$
begin
    if not exists (select from pg_event_trigger where evtname = 'guard_audit_structure') then
        create event trigger guard_audit_structure on ddl_command_end
            execute function app.guard_audit_structure();
    end if;
    if not exists (select from pg_event_trigger where evtname = 'guard_audit_removal') then
        create event trigger guard_audit_removal on sql_drop execute function app.guard_audit_structure();
    end if;
    alter event trigger guard_audit_structure enable always;
    alter event trigger guard_audit_removal enable always;
end $$;
