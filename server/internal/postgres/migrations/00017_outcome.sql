-- +goose Up

-- How a session ended, which its state forgets once its sandbox is gone.
ALTER TABLE lab_sessions ADD COLUMN outcome text CHECK (outcome IN ('submitted', 'expired', 'stopped'));
UPDATE lab_sessions s SET outcome = CASE
    WHEN s.state IN ('submitted', 'expired', 'stopped') THEN s.state
    WHEN s.message = 'Handed in.' THEN 'submitted'
    WHEN s.message = 'Its time was up.' OR s.message LIKE 'Nobody used it for %' THEN 'expired'
    ELSE 'stopped' END
WHERE s.ended_at IS NOT NULL;
