-- Rights of the services in one database. Run once as its owner, after the tables exist:
--   psql "$DATABASE_URL" --file infra/postgres/roles.sql
-- Give each role its password or certificate afterwards. Running it again changes nothing.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['plait_ingest', 'plait_resolver', 'plait_api'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role_name);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO plait_ingest, plait_resolver, plait_api;

-- ingest knows its senders, and appends where the log is a table.
GRANT SELECT ON source TO plait_ingest;
GRANT SELECT, INSERT ON load, log_topic, log_record TO plait_ingest;
GRANT SELECT, INSERT, UPDATE ON log_partition TO plait_ingest;

-- The resolver alone writes what is derived.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO plait_resolver;
GRANT INSERT, UPDATE, DELETE ON
    account_crowd, account_membership, consumer_offset, dedupe, dirty, edge, event, generic_key, key, log_partition,
    log_record, log_topic, membership, outbox, profile, progress, record, review_item, segment_membership,
    layout, pair_vectors, set_aside, steward_decision, steward_record, value_word
    TO plait_resolver;
GRANT UPDATE ON model, ruleset TO plait_resolver;  -- FOR SHARE: the active one stays until the commit
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO plait_resolver;

-- The profile API reads, and adds what it answered.
GRANT SELECT ON
    account_membership, api_key, decision, edge, event, generic_key, key, membership, model, profile, progress, record,
    review_item, ruleset, segment, segment_membership, source, steward_decision, steward_record, value_word
    TO plait_api;
GRANT INSERT ON decision TO plait_api;
