-- A stream inside the application. Every row put into it goes to the output of
-- the same name. "item" is a page's title, or empty.
CREATE OR REPLACE STREAM "WINDOW_COUNTS" (
  "metric" VARCHAR(32),
  "item" VARCHAR(512),
  "window_end" TIMESTAMP,
  "window_seconds" INTEGER,
  "amount" BIGINT
);

-- A pump is a query that never ends. This one adds up the hits of each window.
-- STEP rounds a row's time down to the window's start; adding the window's
-- length gives its end. A window is given out once its time has passed.
CREATE OR REPLACE PUMP "VIEWS_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM
  'views',
  '',
  STEP("SOURCE_SQL_STREAM_001".ROWTIME BY {{window_interval}}) + {{window_interval}},
  {{window_seconds}},
  SUM("hits")
FROM "SOURCE_SQL_STREAM_001"
GROUP BY STEP("SOURCE_SQL_STREAM_001".ROWTIME BY {{window_interval}});

-- How many different pages were asked for? The function gives one row a window,
-- whose time is already the window's end. The count is exact up to 10,000
-- different pages and a close estimate above.
CREATE OR REPLACE PUMP "DISTINCT_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM
  'distinct_pages',
  '',
  STEP(ROWTIME BY {{window_interval}}),
  {{window_seconds}},
  NUMBER_OF_DISTINCT_ITEMS
FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(
  CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"),
  'curr_page',          -- the column, in single quotes
  {{window_seconds}}    -- the window in seconds
));

-- The ten pages with the most rows in each window, one row a page.
CREATE OR REPLACE PUMP "TOP_PAGES_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM
  'top_pages',
  ITEM,
  STEP(ROWTIME BY {{window_interval}}),
  {{window_seconds}},
  ITEM_COUNT
FROM TABLE(TOP_K_ITEMS_TUMBLING(
  CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"),
  'curr_page',
  10,                   -- how many pages
  {{window_seconds}}
));

-- Each sending marks some of its rows with a page of its own, so that it can be
-- followed. This pump adds up the hits of each such page, one row a page.
CREATE OR REPLACE PUMP "TRACE_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM
  'trace',
  "curr_page",
  STEP("SOURCE_SQL_STREAM_001".ROWTIME BY {{window_interval}}) + {{window_interval}},
  {{window_seconds}},
  SUM("hits")
FROM "SOURCE_SQL_STREAM_001"
WHERE "curr_page" LIKE 'Headwater\_run\_%' ESCAPE '\'  -- a plain _ would stand for any character
GROUP BY "curr_page", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY {{window_interval}});
