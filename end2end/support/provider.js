// An OpenID Connect provider on loopback, of others' making (oidc-provider). Whoever comes chooses who to be.
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import Provider from "oidc-provider";

const CLIENT = { client_id: "headwater", client_secret: "the provider gave this secret" };

/** Who there is, by the part of the address that chooses them. */
const PEOPLE = {
  ada: { name: "Ada Lovelace", email: "Ada@staff.school.example", email_verified: true },
  bob: { name: "Bob", email: "bob@elsewhere.example", email_verified: true },
  eve: { name: "Eve", email: "eve@staff.school.example", email_verified: false },
  olga: { name: "Olga", email: "olga@example.org", email_verified: true },
  una: {},
};

/** Listens on a port of its own. It answers once `register` has told it where browsers go back to. */
export async function startProvider() {
  let handle;
  const server = createServer((request, response) => handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return { issuer, client: CLIENT, register, stop };

  function register(redirectUri) {
    const provider = new Provider(issuer, {
      clients: [{ ...CLIENT, redirect_uris: [redirectUri] }],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      pkce: { required: () => true },
      ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    });
    const answer = provider.callback();
    handle = (request, response) => {
      const { pathname, searchParams } = new URL(request.url, issuer);
      if (!pathname.startsWith("/interaction/")) return answer(request, response);
      interact(provider, request, response, searchParams.get("as")).catch((error) => {
        response.writeHead(500).end(String(error));
      });
    };
  }

  async function stop() {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

/** Asks who the visitor is, or goes on as whoever was chosen. */
async function interact(provider, request, response, who) {
  const { params } = await provider.interactionDetails(request, response);
  if (who === null) {
    const links = [...Object.keys(PEOPLE), "nobody"].map((one) => `<p><a href="?as=${one}">${one}</a></p>`);
    response.writeHead(200, { "content-type": "text/html" }).end(`<title>School</title><link rel="icon" href="data:,"><h1>School</h1>${links.join("")}`);
    return;
  }
  if (!(who in PEOPLE)) {
    await provider.interactionFinished(request, response, { error: "access_denied" });
    return;
  }
  const grant = new provider.Grant({ accountId: who, clientId: params.client_id });
  grant.addOIDCScope("openid email profile");
  const result = { login: { accountId: who }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}

// As a program: the first argument is where browsers go back to.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const provider = await startProvider();
  provider.register(process.argv[2]);
  console.log(provider.issuer);
}
