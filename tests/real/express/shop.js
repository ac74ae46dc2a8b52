// A small shop that runs on Express 4 and 5: pages, a session, a basket, JSON, files, redirects, errors.
// SESSIONS=memory keeps sessions on the server, so that each instance has its own.
"use strict";
const express = require("express");

const app = express();
app.use((request, response, next) => {
  response.set("X-Response-Time", process.hrtime.bigint() % 1000n + "ns");
  next();
});
app.use(express.static(process.env.PUBLIC, { maxAge: "1h", index: "index.html" }));
app.use(express.urlencoded());
app.use(express.json());
if (process.env.SESSIONS === "memory") {
  const session = require("express-session");
  app.use(session({ secret: "one", resave: false, saveUninitialized: false, name: "session" }));
} else {
  app.use(require("cookie-session")({ keys: ["one"], name: "session", maxAge: 3600000 }));
}

const words = ["lamp", "chair", "table", "window"];
const products = Array.from({ length: 40 }, (_, index) => ({
  id: index + 1,
  name: `A ${words[index % 4]} ${index + 1}`,
  price: (index * 3.25).toFixed(2),
  tags: [words[index % 4], words[(index + 1) % 4]],
}));
const orders = [];

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (request, title, body) =>
  `<!doctype html><html><head><title>${escape(title)}</title><link rel="stylesheet" href="/style.css"></head>` +
  `<body><header><a href="/">Shop</a> <a href="/products">Products</a> ` +
  (request.session.user ? `<b id="user">${escape(request.session.user)}</b>` : `<a href="/login">Log in</a>`) +
  `</header><main><h1>${escape(title)}</h1>${body}</main></body></html>`;

app.get("/home", (request, response) => response.send(page(request, "Welcome", "<p>Everything for a room.</p>")));
app.get("/products", (request, response) => {
  const { name, sort } = request.query;
  // With Express 4's query parser ?filter[tag]=x is an object; with 5's it is a name with brackets.
  const tag = request.query.filter && request.query.filter.tag;
  let found = products.filter((p) => (!name || p.name.includes(name)) && (!tag || p.tags.includes(tag)));
  if (sort === "price") found = [...found].sort((a, b) => b.price - a.price);
  const rows = found.slice(0, 20).map((p) => `<tr><td><a href="/products/${p.id}">${p.name}</a></td><td>${p.price}</td></tr>`);
  response.send(page(request, "Products", `<p>${found.length} found</p><table>${rows.join("")}</table>`));
});
app.get("/products/:id", (request, response, next) => {
  const product = products[request.params.id - 1];
  if (!product) return next();
  response.send(page(request, product.name, `<p class="price">${product.price}</p><form action="/basket" method="post">` +
    `<input type="hidden" name="product" value="${product.id}"><input name="count" value="1"><button>Buy</button></form>`));
});
app.get("/login", (request, response) => response.send(page(request, "Log in",
  `<form action="/login" method="post"><input name="name"><input name="password" type="password"><button>Go</button></form>`)));
app.post("/login", (request, response) => {
  if (request.body.password !== "secret") return response.status(403).send(page(request, "Log in", "<p class=error>Wrong</p>"));
  request.session.user = request.body.name;
  request.session.basket = [];
  response.redirect(303, "/basket");
});
const signedIn = (request, response, next) => (request.session.user ? next() : response.redirect("/login"));
app.get("/basket", signedIn, (request, response) => {
  const lines = request.session.basket.map((line) => `<li>${line.count} x ${escape(products[line.product - 1].name)}</li>`);
  response.send(page(request, "Basket", `<ul>${lines.join("")}</ul>`));
});
app.post("/basket", signedIn, (request, response) => {
  request.session.basket = [...request.session.basket, { product: request.body.product, count: request.body.count }].slice(-5);
  response.redirect("/basket");
});
app.post("/address", signedIn, (request, response) => {
  // A nested form: an object with 4's parser, names with brackets with 5's.
  response.json({ saved: request.body, city: request.body.address ? request.body.address.city : null });
});
app.post("/orders", signedIn, (request, response) => {
  const order = { id: orders.length + 1, user: request.session.user, lines: request.session.basket, state: "new" };
  orders.push(order);
  request.session.basket = [];
  response.redirect(`/orders/${order.id}`);
});
app.get("/orders/:id", signedIn, (request, response, next) => {
  const order = orders[request.params.id - 1];
  return order ? response.send(page(request, `Order ${order.id}`, `<p>${order.lines.length} lines, ${order.state}</p>`)) : next();
});
app.get("/api/products", (request, response) => response.json({ count: products.length, products: products.slice(0, 10) }));
app.get("/api/products/:id", (request, response) => {
  const product = products[request.params.id - 1];
  return product ? response.json(product) : response.status(404).json({ error: "no such product" });
});
app.post("/api/echo", (request, response) => response.json({ body: request.body === undefined ? "none" : request.body }));
app.get("/api/me", (request, response) => response.json({ user: request.session.user || null, host: request.host }));
app.get("/api/query", (request, response) => response.json(request.query));
app.get("/api/time", (request, response) => response.json({ now: new Date(), random: Math.random() }));
app.get("/old", (request, response) => response.redirect("/products?name=lamp"));
app.get("/moved", (request, response) => response.redirect(301, "https://shop.example/%zz?q=ä"));
app.get("/download", (request, response) => response.attachment("prices.csv").send(
  "id,name,price\n" + products.map((p) => `${p.id},${p.name},${p.price}\n`).join("")));
app.get("/script", (request, response) => response.type("js").send("console.log('hello')\n"));
app.get("/text", (request, response) => response.type("text").send("Plain.\n"));
app.get("/number", (request, response, next) => {
  // Its session's middleware would send less than it says, and the client would wait.
  if (process.env.SESSIONS === "memory") return next(new Error("odd"));
  try { response.status(7.5).send("odd"); } catch (error) { next(error); }
});
app.get("/broken", () => { throw new Error("always"); });
app.get("/later", (request, response, next) => Promise.reject(new Error("later")).catch(next));
app.post("/logout", (request, response) => {
  if (process.env.SESSIONS === "memory") return request.session.destroy(() => response.clearCookie("session").redirect("/home"));
  request.session = null;
  response.clearCookie("seen", { maxAge: 1000 }).redirect("/home");
});

app.listen(Number(process.argv[2]), "127.0.0.1");
