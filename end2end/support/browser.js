// Chromium, as the system installed it, and what the tests do again and again on the lab's pages.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { noteSecret } from "./audit.js";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Launches Chromium without anything that would call home. */
export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** A fresh visitor. Whatever the browser complains of on any page is collected in `complaints`. */
export async function newVisitor(browser, headwater, options = {}) {
  const context = await browser.newContext({ baseURL: headwater.url, viewport: { width: 1440, height: 1000 }, ...options });
  const close = context.close.bind(context);
  context.close = async () => {
    const cookies = await context.cookies();
    cookies.filter(({ name }) => name === "headwater").forEach(({ value }) => noteSecret("session cookie", value));
    await close();
  };
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  return { context, page, complaints };
}

/** Opens a page and waits until the wasm has taken it over. */
export async function open(page, path) {
  await page.goto(path);
  await page.waitForSelector("html[data-hydrated]", { state: "attached" });
}

/** Fills the form of an action and sends it; the outcome must be good. */
export async function perform(page, action, fields = {}) {
  const form = page.locator(`#action-${action}`);
  for (const [name, value] of Object.entries(fields)) {
    await form.locator(`[name="fields[${name}]"]`).fill(String(value));
  }
  await form.locator("button[type=submit]").click();
  await form.locator(".notice").waitFor();
  const text = await form.locator(".notice").innerText();
  if ((await form.locator(".notice.is-good").count()) !== 1) throw new Error(`${action}: ${text}`);
  return text;
}

/** Waits until every check of the open step passes, by the page's own re-checks. */
export async function allChecksPass(page, milliseconds = 90_000) {
  try {
    await page.waitForFunction(
      () => {
        const checks = [...document.querySelectorAll("[data-check]")];
        return checks.length > 0 && checks.every((check) => check.classList.contains("is-pass"));
      },
      undefined,
      { timeout: milliseconds },
    );
  } catch (error) {
    throw new Error(`not all checks pass:\n${await page.locator("#checks").innerText()}`, { cause: error });
  }
}

/** Presses the button of the checks, with consent to run the learner's function where the step asks for it. */
export async function checkNow(page, consent) {
  if (consent) await page.locator("#consent").check();
  await page.locator("#checks button[type=submit]").click();
}

/** The windows in the chart's table, by their ends. */
export function chartRows(page) {
  return page.locator("tr[data-window-end]").evaluateAll((rows) =>
    rows.map((row) => {
      const value = (metric) => {
        const text = row.querySelector(`[data-metric=${metric}]`)?.dataset.value;
        return text === undefined || text === "" ? null : Number(text);
      };
      return { end: row.dataset.windowEnd, views: value("views"), distinctPages: value("distinct_pages") };
    }),
  );
}

/** Faults of accessibility on the open page (WCAG 2.2 A and AA), as axe finds them. */
export async function accessibilityFaults(page) {
  await page.evaluate(await readFile(AXE, "utf8"));
  const found = await page.evaluate(() =>
    globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }),
  );
  return found.violations.map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** What the server says of the learner's lab: the model behind the pages. */
export function labOf(page) {
  return page.evaluate(async () => {
    const answer = await fetch("/api/lab", { method: "POST", headers: { Accept: "application/json" } });
    return answer.json();
  });
}

/** Sends a file of clicks by the form of the ingest step and waits until it is sent. */
export async function sendFile(page, name, text) {
  await page.locator("#upload-file").setInputFiles({ name, mimeType: "text/tab-separated-values", buffer: Buffer.from(text) });
  await page.locator("#upload button[type=submit]").click();
  await page.locator("#upload .notice.is-good").waitFor();
  await page.getByText(`Finished sending ${name}`).first().waitFor();
}

/** Waits until the tracer has seen the latest sending at every hop; fails where it says that it stopped. */
export async function traced(page, milliseconds = 60_000) {
  const seen = await page.waitForFunction(
    () => {
      const hops = [...document.querySelectorAll("#trace .hops > li")].map((hop) => hop.innerText);
      const stopped = hops.filter((hop) => /Stopped here|Cannot be told/.test(hop));
      if (stopped.length > 0) return { stopped };
      return hops.length > 0 && !hops.some((hop) => /until|Waiting/i.test(hop)) && { hops };
    },
    undefined,
    { timeout: milliseconds },
  );
  const { stopped, hops } = await seen.jsonValue();
  if (stopped) throw new Error(`the sending stopped: ${stopped.join(" | ")}`);
  return hops;
}

/** Chooses the length of a window among the learner's names, on the Connect step. */
export async function chooseWindow(page, seconds) {
  await page.locator("#names summary").click();
  await page.locator('#names [name="fields[window_seconds]"]').fill(String(seconds));
  await page.locator("#names button[type=submit]").click();
  await page.locator("#names .notice.is-good").waitFor();
}

/** Waits until the chart's views add up to exactly this number. */
export async function viewsAddUpTo(page, total) {
  await page.waitForFunction(
    (total) => {
      const cells = [...document.querySelectorAll("tr[data-window-end] [data-metric=views]")];
      return cells.reduce((sum, cell) => sum + Number(cell.dataset.value ?? 0), 0) === total;
    },
    total,
    { timeout: 60_000 },
  );
}
