// What a team builds with XState and a table of its own: for each event read the row, restore the actor, send,
// and write its snapshot and an event row in one transaction.
//
// node xstate_sqlite.cjs MODULES DATABASE SECONDS SYNCHRONOUS  prints events a second.
const [modules, database, seconds, synchronous] = process.argv.slice(2);
const Database = require(`${modules}/better-sqlite3`);
const { createActor, createMachine } = require(`${modules}/xstate`);

const states = {};
for (let n = 0; n < 6; n++) states[`s${n}`] = { on: { NEXT: `s${(n + 1) % 6}` } };
const machine = createMachine({ initial: "s0", states });

const db = new Database(database);
db.pragma("journal_mode = WAL");
db.pragma(`synchronous = ${synchronous}`);
db.pragma("wal_autocheckpoint = 10000");
db.exec("CREATE TABLE IF NOT EXISTS actors (id INTEGER PRIMARY KEY, snapshot TEXT)");
db.exec("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, actor INTEGER, type TEXT, time INTEGER)");
const insert = db.prepare("INSERT OR REPLACE INTO actors VALUES (?, ?)");
const read = db.prepare("SELECT snapshot FROM actors WHERE id = ?");
const update = db.prepare("UPDATE actors SET snapshot = ? WHERE id = ?");
const append = db.prepare("INSERT INTO events (actor, type, time) VALUES (?, ?, ?)");

const fresh = JSON.stringify(createActor(machine).start().getPersistedSnapshot());
for (let id = 1; id <= 50; id++) insert.run(id, fresh);

const persist = db.transaction((id, snapshot) => {
  update.run(snapshot, id);
  append.run(id, "NEXT", Date.now());
});
const begin = process.hrtime.bigint();
const end = begin + BigInt(Math.round(seconds * 1e9));
let events = 0;
while (process.hrtime.bigint() < end) {
  const id = 1 + (events++ % 50);
  const actor = createActor(machine, { snapshot: JSON.parse(read.get(id).snapshot) }).start();
  actor.send({ type: "NEXT" });
  persist(id, JSON.stringify(actor.getPersistedSnapshot()));
  actor.stop();
}
console.log((events * 1e9) / Number(process.hrtime.bigint() - begin));
