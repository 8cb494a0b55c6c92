// The whole lab through the page alone, from the first visit to the clean-up.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  accessibilityFaults,
  allChecksPass,
  chartRows,
  checkNow,
  chooseWindow,
  labOf,
  launchBrowser,
  newVisitor,
  open,
  perform,
  sendFile,
  traced,
  viewsAddUpTo,
} from "../support/browser.js";
import { asTsv, distinctPages, makeClicks, totalClicks } from "../support/clicks.js";
import { startHeadwater } from "../support/headwater.js";

const WINDOW_SECONDS = 4;
const SCREENSHOT = process.env.HEADWATER_SCREENSHOT;

let browser;
let headwater;

before(async () => {
  [browser, headwater] = await Promise.all([launchBrowser(), startHeadwater()]);
});

after(async () => {
  await browser?.close();
  await headwater?.stop();
});

test("a learner does the whole lab in the page, and the chart shows the right numbers", async () => {
  const { page, complaints } = await newVisitor(browser, headwater);

  await open(page, "/");
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.locator("#start button").click();
  await page.waitForURL("**/lab/connect");
  const exports = await page.locator("#keys-exports").innerText();
  assert.match(exports, /^export AWS_ACCESS_KEY_ID=AKIA/m);
  const code = (await page.locator("#resume-code-value").innerText()).trim();
  assert.match(code, /^(\w{4}-){3}\w{4}$/);
  await chooseWindow(page, WINDOW_SECONDS);
  await allChecksPass(page);
  assert.deepEqual(await accessibilityFaults(page), []);

  await open(page, "/lab/delivery-stream");
  await perform(page, "create-bucket");
  await perform(page, "create-delivery-stream", { buffer_interval: 1 });
  await allChecksPass(page);

  const rows = makeClicks(500);
  const bad = "not a row\nother-search\tParis\texternal\tmany\n";
  await open(page, "/lab/ingest");
  await sendFile(page, "first.tsv", asTsv(rows.slice(0, 100)));
  await allChecksPass(page);

  await open(page, "/lab/preprocess");
  await perform(page, "create-preprocess-function");
  await checkNow(page, true);
  await allChecksPass(page);

  await open(page, "/lab/streaming-sql");
  await perform(page, "create-application");
  await perform(page, "attach-preprocessor");
  await perform(page, "start-application");
  await allChecksPass(page);

  await open(page, "/lab/results");
  await perform(page, "create-table");
  await perform(page, "create-output-function");
  await perform(page, "attach-output");

  await open(page, "/lab/ingest");
  await sendFile(page, "second.tsv", asTsv(rows) + bad);
  await page.locator("#demo").getByText("not a row").or(page.locator(".bad-lines")).first().waitFor();
  await open(page, "/lab/results");
  await checkNow(page, true);
  await allChecksPass(page);
  // A sending is marked with some rows of one more page, each a click like any other.
  const { demo } = await labOf(page);
  const marks = demo.accepted - rows.length;
  assert.ok(marks >= 1 && demo.clicks_accepted === totalClicks(rows) + marks, JSON.stringify(demo));
  await viewsAddUpTo(page, totalClicks(rows) + marks);
  const counted = (await chartRows(page)).filter((row) => row.views);
  assert.equal(counted.reduce((sum, row) => sum + row.views, 0), totalClicks(rows) + marks);
  assert.ok(counted.every((row) => row.distinctPages >= 1 && row.distinctPages <= distinctPages(rows) + 1));
  assert.ok(counted.reduce((sum, row) => sum + row.distinctPages, 0) >= distinctPages(rows));
  await traced(page);
  if (SCREENSHOT) await takePicture(page);
  assert.deepEqual(await accessibilityFaults(page), []);

  // Nothing is lost by a crash, and the code opens the lab elsewhere.
  await headwater.restart();
  const elsewhere = await newVisitor(browser, headwater);
  await open(elsewhere.page, "/");
  await elsewhere.page.locator("#resume-code").fill(code.toLowerCase());
  await elsewhere.page.locator("#resume button").click();
  await elsewhere.page.waitForURL("**/lab/clean-up");
  await elsewhere.context.close();

  await open(page, "/lab/clean-up");
  for (const action of ["application", "delivery-stream", "functions", "table", "bucket", "roles"]) {
    await perform(page, `delete-${action}`);
  }
  await allChecksPass(page);
  const receipt = page.locator("#receipt");
  await receipt.getByText(/nothing .* remains|all clean/i).first().waitFor();
  await open(page, "/results");
  const results = await page.locator("main").innerText();
  for (const gone of ["ClickStreamData", "ClickstreamWindowCounts", "StoreWindowCounts"]) assert.match(results, new RegExp(gone));
  assert.deepEqual(await accessibilityFaults(page), []);
  assert.deepEqual(unexpected(complaints), []);
});

/** The README's picture: some windows of demo clicks in the chart, every check passed. */
async function takePicture(page) {
  await open(page, "/lab/ingest");
  await page.locator('#demo [name="rate"]').fill("300");
  await page.locator('#demo [name="duration_seconds"]').fill("40");
  await page.getByRole("button", { name: "Send clicks" }).click();
  await page.locator("#demo .notice.is-good").waitFor();
  await open(page, "/lab/results");
  await page.waitForFunction(() => document.querySelectorAll("tr[data-window-end] [data-metric=views][data-value]").length >= 10);
  await page.locator("#chart").evaluate((chart) => chart.scrollIntoView({ block: "center", behavior: "instant" }));
  await page.mouse.move(0, 0);
  await page.screenshot({ path: SCREENSHOT });
}

/** The event stream is cut when the server is killed, which the browser tells. */
function unexpected(complaints) {
  return complaints.filter((complaint) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(complaint));
}
