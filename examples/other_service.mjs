// Another service, in another language: it asks Penstock for a run and hears how the run goes.
//
//   npm install
//   penstock access add billing --role both --json      # prints {"url", "nkey_seed"} once
//   PENSTOCK_NATS=nats://... PENSTOCK_NKEY_SEED=SU... node other_service.mjs DAG_ID ['{"conf": 1}']
//
// It prints each notification of its run as a line of JSON, in order, and exits with 0 when the
// run succeeded, 1 when it failed. All that it needs is a NATS client and JSON: a trigger is a
// CloudEvent published to penstock.trigger.<dag_id>, notifications are CloudEvents on
// penstock.event.>, and the stream NOTICES keeps them for whoever was away.

import { randomUUID } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";

const [dagId, conf = "{}"] = process.argv.slice(2);
const { PENSTOCK_NATS: url, PENSTOCK_NKEY_SEED: seed, PENSTOCK_PREFIX: prefix = "penstock" } =
  process.env;
if (!dagId || !url || !seed) {
  console.error("usage: PENSTOCK_NATS=URL PENSTOCK_NKEY_SEED=SEED node other_service.mjs DAG_ID [CONF]");
  process.exit(2);
}

// Dots and other signs with a meaning in subjects are percent-encoded, so an id is one token.
const token = (id) =>
  encodeURIComponent(id).replace(/[.!*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const nc = await connect({
  servers: url,
  authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250, // milliseconds
});
const runId = `js-${randomUUID()}`; // chosen here, so that we know which notifications are ours
const began = new Date(Date.now() - 60_000); // a minute ago: clocks differ

// Notices come at least once, and after a reconnect the news before what was missed. Their sequence
// rises by one within a run, from 1: that puts them in order and tells repetitions.
const waiting = new Map();
let next = 1;
function hear(payload) {
  const notice = JSON.parse(new TextDecoder().decode(payload));
  const { dag_id, run_id } = notice.data;
  if (dag_id !== dagId || run_id !== runId || notice.sequence < next) return;
  waiting.set(notice.sequence, notice);
  for (; waiting.has(next); waiting.delete(next++)) tell(waiting.get(next));
}

function tell(notice) {
  const { task_id, state } = notice.data;
  console.log(JSON.stringify(notice));
  const ended = task_id === undefined && ["success", "failed"].includes(state);
  if (ended) finish(state === "success" ? 0 : 1);
}

function finish(code) {
  nc.close().then(() => process.exit(code));
}

// What passed while the connection was away: direct gets read the stream without a consumer.
async function catchUp() {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const kept = await jsm.direct.getBatch("NOTICES", {
    start_time: began,
    next_by_subj: `${prefix}.event.>`,
    batch: 10_000,
  });
  for await (const message of kept) hear(message.data);
}

const notices = nc.subscribe(`${prefix}.event.>`, {
  callback: (error, message) => (error ? console.error(error) : hear(message.data)),
});
await nc.flush();
(async () => {
  for await (const status of nc.status()) if (status.type === "reconnect") await catchUp();
})();

const trigger = {
  specversion: "1.0",
  id: randomUUID(), // the same id again would start nothing new
  source: "examples/other_service",
  type: "penstock.trigger",
  datacontenttype: "application/json",
  runid: runId,
  data: JSON.parse(conf),
};
const kept = await jetstream(nc).publish(`${prefix}.trigger.${token(dagId)}`, JSON.stringify(trigger));
console.error(`kept as trigger ${kept.seq} of run ${runId}; listening on ${notices.getSubject()}`);
