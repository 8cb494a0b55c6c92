-- Windows begin and end by UTC, wherever the program runs.
SET 'table.local-time-zone' = 'UTC';

-- A source without rows for so long does not hold back the time of others.
SET 'table.exec.source.idle-timeout' = '20 s';

-- The clicks as they lie in the stream: bytes, and when they arrived. By this
-- time they are counted, so that records which are read again after a restart
-- fall into the same windows. Of the two sources in the Kinesis connector only
-- the older gives it; the newer, 'kinesis', has no metadata yet (FLINK-36671).
CREATE TABLE click_records (
  `data` BYTES,
  `arrival` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR `arrival` AS `arrival` - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kinesis-legacy',
  'stream' = '{{data_stream}}',
  'aws.region' = '{{region}}',
  'scan.stream.initpos' = 'LATEST',
  'format' = 'raw'
);

-- In Flink time passes with rows only, and a window is given out once its time
-- has passed. One row a second, made here and without hits, lets the last
-- window end even when no more clicks come.
CREATE TABLE ticks (
  `hits` INT,
  `arrival` AS CURRENT_ROW_TIMESTAMP(),
  WATERMARK FOR `arrival` AS `arrival` - INTERVAL '10' SECOND
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '1',
  'fields.hits.min' = '0',
  'fields.hits.max' = '0'
);

-- Where the counts go: one JSON object a record.
CREATE TABLE window_counts (
  `metric` STRING,
  `item` STRING,
  `window_end` TIMESTAMP(3),
  `window_seconds` INT,
  `amount` BIGINT
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/{{counts_stream}}',
  'aws.region' = '{{region}}',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- A record is text in UTF-8, one line or more. What is no such text does not
-- come back as it was, and is left out.
CREATE TEMPORARY VIEW click_lines AS
SELECT `arrival`, `line`
FROM click_records
CROSS JOIN UNNEST(SPLIT(DECODE(`data`, 'UTF-8'), CHR(10))) AS `lines` (`line`)
WHERE ENCODE(DECODE(`data`, 'UTF-8'), 'UTF-8') = `data`;

-- The good lines by the rules of the preprocessing function: two titles, a kind
-- of link and a whole number, split by tabs. Flink's format 'csv' has rules of
-- its own: it takes "+1" and " 1" for numbers.
CREATE TEMPORARY VIEW clicks AS
SELECT
  `arrival`,
  SUBSTRING(SPLIT_INDEX(`line`, CHR(9), 1), 1, 512) AS `page`,
  TRY_CAST(REGEXP_EXTRACT(`line`, '\t([0-9]{1,10})\r?\z', 1) AS INT) AS `hits`
FROM click_lines
WHERE REGEXP(`line`, '\A[^\t]+\t[^\t]+\t(link|external|other)\t[0-9]{1,10}\r?\z')
UNION ALL
SELECT `arrival`, '', `hits` FROM ticks;

-- Rows and hits of each page in each window. What is no click has no hits:
-- ticks, "0", and numbers that no INT can hold.
CREATE TEMPORARY VIEW page_counts AS
SELECT `window_start`, `window_end`, `page`, COUNT(*) AS `page_rows`, SUM(CAST(`hits` AS BIGINT)) AS `page_hits`
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(`arrival`), {{window_interval}}))
WHERE `hits` > 0
GROUP BY `window_start`, `window_end`, `page`;

EXECUTE STATEMENT SET
BEGIN

-- The hits of each window.
INSERT INTO window_counts
SELECT 'views', '', `window_end`, {{window_seconds}}, SUM(CAST(`hits` AS BIGINT))
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(`arrival`), {{window_interval}}))
WHERE `hits` > 0
GROUP BY `window_start`, `window_end`;

-- How many different pages were asked for? Exact, however many they are.
INSERT INTO window_counts
SELECT 'distinct_pages', '', `window_end`, {{window_seconds}}, COUNT(DISTINCT `page`)
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(`arrival`), {{window_interval}}))
WHERE `hits` > 0
GROUP BY `window_start`, `window_end`;

-- The ten pages with the most rows in each window, one row a page.
INSERT INTO window_counts
SELECT 'top_pages', `page`, `window_end`, {{window_seconds}}, `page_rows`
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY `window_start`, `window_end` ORDER BY `page_rows` DESC, `page`
  ) AS `place`
  FROM page_counts
)
WHERE `place` <= 10;

-- The hits of the pages that mark a sending, one row a page.
INSERT INTO window_counts
SELECT 'trace', `page`, `window_end`, {{window_seconds}}, `page_hits`
FROM page_counts
WHERE LEFT(`page`, 14) = 'Headwater_run_';

END;
