// A way to the server that can be cut, as a lost network connection is.
import { connect, createServer } from "node:net";
import { once } from "node:events";

/** Forwards connections to the server at `url`. `cut` ends those there are and refuses others, until `mend`. */
export async function startProxy(url) {
  const target = new URL(url);
  const sockets = new Set();
  let isCut = false;
  const server = createServer((incoming) => {
    if (isCut) return incoming.destroy();
    const outgoing = connect(Number(target.port), target.hostname);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on("close", () => {
        sockets.delete(socket);
        incoming.destroy();
        outgoing.destroy();
      });
      // Its end is what counts; "close" follows.
      socket.on("error", () => {});
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  function cut() {
    isCut = true;
    sockets.forEach((socket) => socket.destroy());
  }

  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend: () => (isCut = false),
    stop: () => {
      cut();
      server.close();
    },
  };
}
