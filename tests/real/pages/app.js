// Pages with all that a browser does: assets with ETags, gzip, ranges, redirects, cookies, uploads, streams, server-sent
// events and a WebSocket that echoes.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const path = require("path");
const zlib = require("zlib");

const etag = (body) => `"${crypto.createHash("sha1").update(body).digest("hex").slice(0, 16)}"`;
const big = Array.from({ length: 4000 }, (_, n) => `Line ${n} of a long text.`).join("\n");
const binary = Buffer.from(Array.from({ length: 300000 }, (_, n) => (n * 7) % 251));
const files = {
  "/": ["text/html; charset=utf-8", fs.readFileSync(path.join(__dirname, "index.html"))],
  "/page.js": ["text/javascript; charset=utf-8", fs.readFileSync(path.join(__dirname, "page.js"))],
  "/style.css": ["text/css", Buffer.from("body { font: 1em serif }\n".repeat(200))],
  "/big.txt": ["text/plain; charset=utf-8", Buffer.from(big)],
  "/data.json": ["application/json", Buffer.from(JSON.stringify({ list: Array.from({ length: 50 }, (_, id) => ({ id, name: `Name ${id}` })) }))],
  "/movie.bin": ["application/octet-stream", binary],
};
for (let n = 0; n < 60; n += 1) {
  files[`/image-${n}.svg`] = ["image/svg+xml", Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="${n}"/></svg>`)];
}

function range(request, response, body, headers) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range) || [];
  const from = first ? Number(first) : body.length - Number(last);
  const to = first && last ? Math.min(Number(last), body.length - 1) : body.length - 1;
  if (from > to || from < 0) {
    response.writeHead(416, { "Content-Range": `bytes */${body.length}` });
    return response.end();
  }
  response.writeHead(206, { ...headers, "Content-Range": `bytes ${from}-${to}/${body.length}`, "Content-Length": to - from + 1 });
  return response.end(body.subarray(from, to + 1));
}

function file(request, response, [type, body]) {
  const headers = { "Content-Type": type, ETag: etag(body), "Accept-Ranges": "bytes", "Cache-Control": "no-cache", Vary: "Accept-Encoding" };
  if (request.headers["if-none-match"] === headers.ETag) {
    response.writeHead(304, headers);
    return response.end();
  }
  if (request.headers.range) return range(request, response, body, headers);
  if (/gzip/.test(request.headers["accept-encoding"] || "") && /text|json|svg/.test(type)) {
    response.writeHead(200, { ...headers, "Content-Encoding": "gzip" });
    return response.end(zlib.gzipSync(body));
  }
  response.writeHead(200, { ...headers, "Content-Length": body.length });
  return response.end(request.method === "HEAD" ? undefined : body);
}

function slowly(response, parts, pause) {
  const next = () => {
    if (parts.length === 0) return response.end();
    response.write(parts.shift());
    return setTimeout(next, pause);
  };
  next();
}

const routes = {
  "/events": (request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    slowly(response, [1, 2, 3, 4, 5].map((n) => `id: ${n}\ndata: event ${n}\n\n`), 100);
  },
  "/stream": (request, response) => {
    response.writeHead(200, { "Content-Type": "text/plain" });
    slowly(response, ["one\n", "two\n", "three\n"], 300);
  },
  "/echo": (request, response) => {
    response.writeHead(200, { "Content-Type": request.headers["content-type"] || "text/plain" });
    request.pipe(response);
  },
  "/old": (request, response) => response.writeHead(302, { Location: "/data.json" }).end(),
  "/cookie": (request, response) => {
    const known = /seen=(\d+)/.exec(request.headers.cookie || "");
    const count = known ? Number(known[1]) + 1 : 1;
    response.writeHead(200, { "Set-Cookie": `seen=${count}; Path=/`, "Content-Type": "text/plain" });
    response.end(String(count));
  },
  "/empty": (request, response) => response.writeHead(204).end(),
};

const server = http.createServer((request, response) => {
  const name = request.url.split("?")[0];
  if (files[name]) return file(request, response, files[name]);
  if (routes[name]) return routes[name](request, response);
  response.writeHead(404, { "Content-Type": "text/html" });
  return response.end("<title>Not here</title><h1>Not here</h1>");
});
server.keepAliveTimeout = 5000;

// Frames of RFC 6455, as much of them as an echo needs.
server.on("upgrade", (request, socket) => {
  const accept = crypto.createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let held = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    held = Buffer.concat([held, bytes]);
    for (;;) {
      if (held.length < 6) return;
      let [length, at] = [held[1] & 127, 2];
      if (length === 126) [length, at] = [held.readUInt16BE(2), 4];
      if (length === 127) [length, at] = [Number(held.readBigUInt64BE(2)), 10];
      if (held.length < at + 4 + length) return;
      const mask = held.subarray(at, at + 4);
      const data = Buffer.from(held.subarray(at + 4, at + 4 + length));
      for (let n = 0; n < length; n += 1) data[n] ^= mask[n % 4];
      const head = length < 126 ? Buffer.from([held[0], length]) : Buffer.alloc(length < 65536 ? 4 : 10);
      if (length >= 126) {
        head[0] = held[0];
        head[1] = length < 65536 ? 126 : 127;
        if (length < 65536) head.writeUInt16BE(length, 2);
        else head.writeBigUInt64BE(BigInt(length), 2);
      }
      socket.write(Buffer.concat([head, data]));
      if ((held[0] & 15) === 8) return void socket.end();
      held = held.subarray(at + 4 + length);
    }
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
