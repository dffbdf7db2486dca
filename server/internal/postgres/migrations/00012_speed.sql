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

-- What a search ranks first among very many.
CREATE INDEX course_index_titled ON course_index USING gin (to_tsvector('english', title));
CREATE INDEX course_index_trigrams ON course_index USING gin (trigrams);

-- A learner's lessons lie scattered over the table: all of them are read from here.
CREATE INDEX user_progress_summary ON user_progress (user_id, course_id)
    INCLUDE (lesson_id, progress_percentage, completed_at, created_at);
