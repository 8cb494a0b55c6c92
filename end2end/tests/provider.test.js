// An instructor signs in by an OpenID Connect provider of others' making, as a school has one.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { noteSecret } from "../support/audit.js";
import { accessibilityFaults, launchBrowser, newVisitor, open } from "../support/browser.js";
import { startHeadwater } from "../support/headwater.js";
import { startProvider } from "../support/provider.js";

const ACCOUNT = { login: "olga@example.org", name: "Olga", password: randomBytes(12).toString("hex") };

let browser;
let headwater;
let provider;

before(async () => {
  provider = await startProvider();
  noteSecret("OpenID Connect client secret", provider.client.client_secret);
  noteSecret("password", ACCOUNT.password);
  headwater = await startHeadwater({
    HEADWATER_OIDC_ISSUER: provider.issuer,
    HEADWATER_OIDC_CLIENT_ID: provider.client.client_id,
    HEADWATER_OIDC_CLIENT_SECRET: provider.client.client_secret,
    HEADWATER_OIDC_NAME: "Example School",
    HEADWATER_OIDC_DOMAINS: "staff.school.example",
  });
  provider.register(`${headwater.url}/teach/oidc/callback`);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await headwater?.stop();
  await provider?.stop();
});

test("an account with a password is connected, and whoever the school knows comes in", async () => {
  const owner = await newVisitor(browser, headwater);
  await open(owner.page, "/teach/setup");
  for (const [name, value] of Object.entries({ ...ACCOUNT, code: headwater.setUpCode })) {
    await owner.page.locator(`#set-up [name="${name}"]`).fill(value);
  }
  await owner.page.locator("#set-up button[type=submit]").click();
  await owner.page.getByRole("heading", { name: "Your classes" }).waitFor();
  await owner.page.getByRole("link", { name: "Account" }).click();
  await owner.page.getByRole("link", { name: "Connect with Example School" }).click();
  await owner.page.getByRole("link", { name: "olga" }).click();
  await owner.page.getByText("You can sign in by Example School as well.", { exact: true }).waitFor();
  await owner.page.getByRole("button", { name: "Disconnect" }).waitFor();
  assert.deepEqual(await accessibilityFaults(owner.page), []);

  const olga = await come("olga");
  await olga.page.getByRole("heading", { name: "Your classes" }).waitFor();
  const ada = await come("ada");
  await ada.page.getByRole("heading", { name: "Your classes" }).waitFor();
  const nobody = await come("nobody");
  await nobody.page.getByText("did not let you in, or you turned back there").waitFor();
  assert.deepEqual(await accessibilityFaults(nobody.page), []);
  for (const { complaints } of [owner, olga, ada, nobody]) assert.deepEqual(complaints, []);
  await Promise.all([owner, olga, ada, nobody].map(({ context }) => context.close()));
});

/** A browser that comes by the page of the sign-in, and is `who` at the provider. */
async function come(who) {
  const visitor = await newVisitor(browser, headwater);
  await open(visitor.page, "/teach/login");
  await visitor.page.getByRole("link", { name: "Sign in with Example School" }).click();
  await visitor.page.getByRole("link", { name: who }).click();
  await visitor.page.waitForURL(/\/teach/);
  return visitor;
}
