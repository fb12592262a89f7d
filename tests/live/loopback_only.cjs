"use strict";
// Preloaded into every Node process of an instance (NODE_OPTIONS=--require).
// 1. Refuses name lookups, TCP connections and datagrams that would leave this machine.
// 2. Ends the process politely (SIGTERM to itself) when the test run that started it is gone,
//    whichever way it went: LOCKDECK_LIFELINE is the read end of a pipe whose other end only the test run has.
const dgram = require("node:dgram");
const dns = require("node:dns");
const fs = require("node:fs");
const net = require("node:net");
const { isMainThread } = require("node:worker_threads");

const LOCAL = new Set(["localhost", "::1", "::", "0.0.0.0", "::ffff:127.0.0.1"]);
const isLocal = (host) => !host || LOCAL.has(host) || /^127\.\d+\.\d+\.\d+$/.test(host);

function refusal(what, host, code) {
  const log = process.env.LOCKDECK_REFUSED;
  if (log) {
    fs.appendFileSync(log, JSON.stringify({ pid: process.pid, what, host: String(host) }) + "\n");
  }
  return Object.assign(new Error(`${what} ${host} refused: loopback only`), { code });
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0];
  const byOptions = typeof first === "object" && first !== null;
  const host = byOptions ? (first.path ? null : first.host) : args.find((x, i) => i > 0 && typeof x === "string");
  if (isLocal(host)) return connect.apply(this, args);
  process.nextTick(() => this.destroy(refusal("connect", host, "ENETUNREACH")));
  return this;
};

const send = dgram.Socket.prototype.send;
dgram.Socket.prototype.send = function (...args) {
  const host = args.slice(1).find((x) => typeof x === "string");
  if (isLocal(host)) return send.apply(this, args);
  const callback = args.at(-1);
  const error = refusal("datagram", host, "ENETUNREACH");
  if (typeof callback === "function") process.nextTick(callback, error);
};

const lookup = dns.lookup;
dns.lookup = function (host, ...rest) {
  if (isLocal(host) || net.isIP(host)) return lookup.call(dns, host, ...rest);
  process.nextTick(rest.at(-1), refusal("lookup", host, "ENOTFOUND"));
};
const lookupLater = dns.promises.lookup;
dns.promises.lookup = async function (host, ...rest) {
  if (isLocal(host) || net.isIP(host)) return lookupLater.call(dns.promises, host, ...rest);
  throw refusal("lookup", host, "ENOTFOUND");
};
for (const name of Object.keys(dns).filter((x) => /^(resolve|reverse)/.test(x))) {
  dns[name] = (host, ...rest) => process.nextTick(rest.at(-1), refusal(name, host, "ENOTFOUND"));
  if (dns.promises[name]) {
    dns.promises[name] = async (host) => {
      throw refusal(name, host, "ENOTFOUND");
    };
  }
}

const lifeline = Number(process.env.LOCKDECK_LIFELINE);
delete process.env.LOCKDECK_LIFELINE; // not for the children of this process: they have no such descriptor
if (lifeline && isMainThread) {
  const pipe = new net.Socket({ fd: lifeline, readable: true, writable: false });
  pipe.on("close", () => process.kill(process.pid, "SIGTERM"));
  pipe.resume();
  pipe.unref();
}
