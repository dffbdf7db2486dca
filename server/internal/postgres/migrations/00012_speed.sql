-- +goose Up

-- What somebody takes decides what the catalogue shows them, so a server that
-- remembers it hears of changes. They are rare: once for each course and learner.
-- +goose StatementBegin
CREATE FUNCTION tell_enrolled() RETURNS trigger AS $$
BEGIN
    PERFORM pg_notify('cmh_' || TG_TABLE_SCHEMA, 'enrolled ' || coalesce(NEW.user_id, OLD.user_id)::text);
    RETURN NULL;
END $$ LANGUAGE plpgsql;
-- +goose StatementEnd
CREATE TRIGGER tell AFTER INSERT OR DELETE OR UPDATE OF version ON enrollments FOR EACH ROW EXECUTE FUNCTION tell_enrolled();
