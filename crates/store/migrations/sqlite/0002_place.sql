-- Where the learner's lab runs, as JSON that the server wrote: the sandbox, or an AWS account of the learner's own.
ALTER TABLE learner ADD COLUMN place TEXT NOT NULL DEFAULT '{"kind":"sandbox"}';

-- When the step was last done for the learner, at the learner's wish.
ALTER TABLE step_record ADD COLUMN assisted_ms INTEGER;
