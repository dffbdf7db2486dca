-- +goose Up

-- Titles and descriptions of lessons and labs count as what the catalogue shows
-- (weight B), and no longer as what lessons say (C). A course that is published
-- again as it is stays as it is, so those that are there are weighed here: as
-- publishing does, and in turn with it.
SELECT pg_advisory_xact_lock(6515049, hashtext(current_schema()));

-- +goose StatementBegin
CREATE FUNCTION indexed(t text) RETURNS text AS $$
DECLARE
    b bytea := convert_to(t, 'UTF8');
    n integer := 262144;
BEGIN
    IF length(b) <= n THEN
        RETURN t;
    END IF;
    WHILE get_byte(b, n) & 192 = 128 LOOP -- amid a letter
        n := n - 1;
    END LOOP;
    RETURN convert_from(substring(b FOR n), 'UTF8');
END $$ LANGUAGE plpgsql;
-- +goose StatementEnd

UPDATE course_index i SET search =
    setweight(to_tsvector('english', i.title), 'A') ||
    setweight(to_tsvector('english', indexed(concat(
        v.document->>'description', E'\n',
        (SELECT string_agg(o #>> '{}', E'\n' ORDER BY n) FROM jsonb_path_query(v.document, '$.learning_objectives[*]') WITH ORDINALITY AS x (o, n)), E'\n',
        (SELECT string_agg(concat(l->>'title', E'\n', l->>'description', E'\n'), '' ORDER BY n) FROM jsonb_path_query(v.document, '$.lessons[*]') WITH ORDINALITY AS x (l, n)),
        (SELECT string_agg(concat(l->>'title', E'\n', l->>'description', E'\n'), '' ORDER BY n) FROM jsonb_path_query(v.document, '$.labs[*]') WITH ORDINALITY AS x (l, n))))), 'B') ||
    setweight(to_tsvector('english', indexed(
        (SELECT coalesce(string_agg(concat(l->>'body', E'\n'), '' ORDER BY n), '') FROM jsonb_path_query(v.document, '$.lessons[*]') WITH ORDINALITY AS x (l, n)))), 'C')
FROM courses c JOIN course_versions v ON v.course_id = c.id AND v.version = c.version
WHERE c.id = i.course_id;

DROP FUNCTION indexed;

-- What is searched for those who may read only what is free: of other courses, what
-- the catalogue shows.
CREATE INDEX course_index_shown ON course_index USING gin ((CASE WHEN free THEN search ELSE ts_filter(search, '{a,b}') END));
