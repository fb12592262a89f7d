// An acquirer that runs OpenClaw's own lock code: node acquirer.mjs MODULE SESSION_FILE SECONDS CRASH
// Prints one letter an event: a acquired, c crashed, r robbed, d double, x failed (with its code).
// The judge is the kernel: an abstract socket that only one process can have and that dies with it.
import fs from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const [module, session, seconds, crash] = process.argv.slice(2);
const { t: acquire } = await import(module);
const lock = `${session}.lock`;
const note = (text) => fs.writeSync(1, `${text}\n`);

function judge() {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on("error", () => resolve(null));
    server.listen(`\0race${lock}`, () => resolve(server));
  });
}

function ourLink() {
  for (const fd of fs.readdirSync("/proc/self/fd")) {
    try {
      const link = fs.readlinkSync(`/proc/self/fd/${fd}`);
      if (link.includes(".jsonl.lock") || link.includes("/.lockdeck-")) return link;
    } catch {}
  }
  return null;
}

async function robbed() {
  for (let look = 0; look < 200; look += 1) {
    const link = ourLink();
    if (link === lock) return false;
    if (link === null || link.endsWith(" (deleted)")) return true;
    await sleep(5);
  }
  return true;
}

const end = Date.now() + Number(seconds) * 1000;
while (Date.now() < end) {
  let held;
  try {
    held = await acquire({ sessionFile: session, timeoutMs: 10000 });
  } catch (error) {
    note(`x ${error.code ?? error.name} ${String(error.message).slice(0, 60)}`);
    continue;
  }
  note("a");
  const alone = await judge();
  if (!alone) note("d");
  await sleep(Math.random() * 10);
  if (Math.random() < Number(crash)) {
    note("c");
    process.kill(process.pid, "SIGKILL");
    await sleep(1000);
  }
  if (await robbed()) note("r");
  if (alone) await new Promise((resolve) => alone.close(resolve));
  await held.release();
  await sleep(Math.random() * 5);
}
process.exit(0);
