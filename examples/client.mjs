// A client for StateKeep in Node, without dependencies.
//
//   node client.mjs          spawns an order, sends it events, and prints where it stands
//   import { Client } ...    everything that protocol/README.md lists: await client.call("get", { actor: "order-1" })

import net from "node:net";
import { createInterface } from "node:readline";
import { randomUUID } from "node:crypto";

export class Client {
  #waiting = new Map(); // by id: whose answer is to come
  #last = 0;

  constructor(path = process.env.STATEKEEP_SOCKET) {
    this.socket = net.connect(path);
    createInterface({ input: this.socket }).on("line", (line) => this.#settle(JSON.parse(line)));
    this.socket.on("error", (error) => this.#fail(error));
    this.socket.on("close", () => this.#fail(new Error("the connection was lost")));
  }

  call(op, fields = {}) {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      this.#waiting.set(id, { resolve, reject });
      this.socket.write(JSON.stringify({ op, id, ...fields }) + "\n");
    });
  }

  close() {
    this.socket.end();
  }

  #settle({ id, ok, error }) {
    const { resolve, reject } = this.#waiting.get(id) ?? { reject: (problem) => this.socket.destroy(problem) };
    this.#waiting.delete(id);
    error ? reject(Object.assign(new Error(`${error.message} ${error.hint ?? ""}`), { code: error.code })) : resolve(ok);
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

if (process.argv[1] === import.meta.filename) {
  const client = new Client();
  const states = { open: { on: { PAY: "paid" } }, paid: { on: { SHIP: "shipped" } }, shipped: { type: "final" } };
  await client.call("deploy", { version: "node-order-v1", definition: { initial: "open", states } });
  const { id } = await client.call("spawn", { version: "node-order-v1", context: { item: "teapot" } });
  const pay = { actor: id, event: "PAY", payload: { cents: 1999 }, idempotency_key: randomUUID() };
  await client.call("send", pay);
  const { state, repeated } = await client.call("send", pay); // once more: nothing happens twice
  console.log(`${state}, ${repeated ? "as before" : "anew"}`);
  await client.call("send", { actor: id, event: "PAY", require: true }).catch((error) => console.log(error.code));
  client.close();
}
