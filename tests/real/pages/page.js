// What a page sees of its server. `window.outcome` is there when all of it has come to an end.
"use strict";
const outcome = {};
const step = async (name, work) => {
  try { outcome[name] = await work(); } catch (error) { outcome[name] = `failed: ${error}`; }
};
const hash = async (buffer) => {
  let sum = 0;
  for (const byte of new Uint8Array(buffer)) sum = (sum * 31 + byte) % 1000000007;
  return `${buffer.byteLength}:${sum}`;
};
const image = (n) => new Promise((done) => {
  const element = new Image();
  element.onload = () => done("loaded");
  element.onerror = () => done("broken");
  element.src = `/image-${n}.svg`;
  document.getElementById("images").append(element);
});
const events = () => new Promise((done) => {
  const seen = [];
  const source = new EventSource("/events");
  source.onmessage = (event) => seen.push(`${event.lastEventId} ${event.data}`);
  // The end of a stream is an error, after which a browser asks again.
  source.onerror = () => { source.close(); done(seen); };
});
const socket = () => new Promise((done) => {
  const said = ["hello", "ümlaut", "x".repeat(300), "y".repeat(70000), ""];
  const heard = [];
  const connection = new WebSocket(`ws://${location.host}/socket`);
  connection.onopen = () => said.forEach((text) => connection.send(text));
  connection.onmessage = (event) => {
    heard.push(event.data.length);
    if (heard.length === said.length) connection.close(1000);
  };
  connection.onclose = (event) => done({ heard, code: event.code });
  connection.onerror = () => done("broken");
});
const status = async (target, options) => (await fetch(target, { cache: "no-store", ...options })).status;
const stream = async () => {
  const began = performance.now();
  const reader = (await fetch("/stream")).body.getReader();
  const parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push([new TextDecoder().decode(value), performance.now() - began]);
  }
  const all = performance.now() - began;
  return { text: parts.map((part) => part[0]).join(""), firstCameEarly: parts[0][1] < all - 200 };
};

(async () => {
  await step("images", async () => (await Promise.all(Array.from({ length: 60 }, (_, n) => image(n)))).filter((how) => how === "loaded").length);
  await step("style", async () => getComputedStyle(document.body).fontFamily);
  await step("gzip", async () => {
    const response = await fetch("/big.txt");
    return [response.headers.get("content-encoding"), await hash(await response.arrayBuffer())];
  });
  await step("unchanged", async () => {
    const first = await fetch("/data.json", { cache: "no-store" });
    const again = { "If-None-Match": first.headers.get("etag") };
    return [first.status, await status("/data.json", { headers: again }), (await fetch("/data.json")).status];
  });
  for (const range of ["bytes=100-199", "bytes=-10", "bytes=299990-", "bytes=900000-"]) {
    await step(range, async () => {
      const response = await fetch("/movie.bin", { headers: { Range: range }, cache: "no-store" });
      return [response.status, response.headers.get("content-range"), await hash(await response.arrayBuffer())];
    });
  }
  await step("whole", async () => hash(await (await fetch("/movie.bin", { cache: "no-store" })).arrayBuffer()));
  await step("upload", async () => hash(await (await fetch("/echo", { method: "POST", body: new Uint8Array(200000).fill(7) })).arrayBuffer()));
  await step("form", async () => (await (await fetch("/echo", { method: "POST", body: new URLSearchParams({ a: "ü", b: "2" }) })).text()));
  await step("redirect", async () => { const r = await fetch("/old"); return [r.redirected, r.status]; });
  await step("head", () => status("/movie.bin", { method: "HEAD" }));
  await step("nothing", () => status("/nothing"));
  await step("empty", () => status("/empty"));
  await step("many", async () => (await Promise.all(Array.from({ length: 40 }, (_, n) => status(`/data.json?n=${n}`)))).every((s) => s === 200));
  await step("aborted", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    return fetch("/stream", { signal: controller.signal }).then((r) => r.text()).catch((error) => error.name);
  });
  await step("stream", stream);
  await step("events", events);
  await step("socket", socket);
  window.outcome = outcome;
})();
