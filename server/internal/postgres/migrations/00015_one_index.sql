-- +goose Up

-- A piece of progress changes the columns that a summary reads from an index, so
-- each of its indexes is written to each time. One does for all: it names a
-- lesson once, finds it, and holds what a summary shows. Nobody looks for an id.
ALTER TABLE user_progress DROP CONSTRAINT user_progress_pkey;
ALTER TABLE user_progress ADD PRIMARY KEY (user_id, course_id, lesson_id)
    INCLUDE (progress_percentage, completed_at, created_at);
ALTER TABLE user_progress DROP CONSTRAINT user_progress_user_id_course_id_lesson_id_key;
DROP INDEX user_progress_summary;
