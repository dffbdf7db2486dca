-- +goose Up

-- The shape of each version without its texts, so that progress never reads
-- what it doesn't show.
ALTER TABLE course_versions ADD COLUMN outline jsonb NOT NULL DEFAULT '{}';

-- The trigrams of the title, made by the program: misspelled words find their
-- course without an extension, which a hosted database may not offer.
ALTER TABLE course_index ADD COLUMN trigrams text[] NOT NULL DEFAULT '{}';
