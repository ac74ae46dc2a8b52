// What pages of other sites can do with somebody's browser: nothing, be the cookie there or not.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { eventually } from "./site.mjs";

/** Another site, at two names: a stranger's, and one that shares our cookies as these know no ports. */
class Elsewhere {
    static async start(own) {
        const server = createServer((_, reply) => {
            reply.setHeader("Content-Type", "text/html");
            reply.end("<!doctype html><title>elsewhere</title><h1>elsewhere</h1>");
        });
        const { hostname } = new URL(own);
        await new Promise((resolve) => server.listen(0, hostname, resolve));
        const { port } = server.address();
        return new Elsewhere(server, [`http://evil.example:${port}`, `http://${hostname}:${port}`]);
    }

    constructor(server, origins) {
        Object.assign(this, { server, origins });
    }

    stop() {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }
}

const JSON_KIND = "application/json";
const RULE = JSON.stringify({ place: "**", action: "ignore", reason: "from elsewhere" });

/** What would change something: for programs, and whatever the pages' own forms send. */
async function changes(site) {
    const calls = [
        ["/api/shadows/next/pause", ""],
        ["/api/shadows/next/sample", JSON.stringify({ percent: "1%" })],
        ["/api/report/rules", RULE],
        ["/api/report/reset", ""],
        ["/api/reload", ""],
    ].map(([path, body]) => ({ path, body, kind: JSON_KIND }));
    return [...calls, ...await forms(site)];
}

/** The forms of the pages, filled in, with whatever is hidden in them: as if somebody knew it. */
async function forms(site) {
    const visitor = await site.visitor();
    await signIn(site, visitor);
    const found = new Map();
    const [{ shadow, causes }] = await site.reports();
    for (const path of ["/", `/causes/${causes[0].id}?shadow=${shadow}`, `/shadows/${shadow}`, "/rules"]) {
        await visitor.open(path);
        const sent = await visitor.page.locator("form").evaluateAll((forms) => forms
            .filter((form) => form.method === "post")
            .map((form) => {
                for (const field of form.querySelectorAll("input, textarea")) {
                    if (field.type !== "hidden" && !field.value) field.value = "elsewhere";
                }
                const button = form.querySelector("button[name]");
                const data = new FormData(form);
                if (button) data.set(button.name, button.value);
                // Not form.action, which may be a field of this name.
                return [form.getAttribute("action"), new URLSearchParams(data).toString()];
            }));
        for (const [path, body] of sent) {
            // One of a kind.
            const kind = path.replace(/^\/(causes|shadows)\/[^/]+/, "/$1");
            if (!found.has(kind)) found.set(kind, { path, body, kind: "application/x-www-form-urlencoded" });
        }
    }
    assert.ok(found.size >= 3, "pages have forms");
    return [...found.values()];
}

async function signIn(site, visitor) {
    if (!site.values.token) return;
    await visitor.context.addCookies(site.cookies ?? []);
}

/** Sends it in all the ways that a page has; each is answered, refused, or held back by the browser. */
async function send(page, base, { path, body, kind }) {
    const ways = await page.evaluate(async ([url, body, kind]) => {
        const told = [];
        const tell = async (way, promise) => told.push([way, await promise.then((r) => r.type, () => "held back")]);
        const simple = ["text/plain", "application/x-www-form-urlencoded"];
        for (const type of simple) {
            const options = { method: "POST", mode: "no-cors", credentials: "include", body, headers: { "Content-Type": type } };
            await tell(`fetch as ${type}`, fetch(url, options));
        }
        await tell("fetch", fetch(url, { method: "POST", credentials: "include", body, headers: { "Content-Type": kind } }));
        await tell("fetch to read", fetch(url, { credentials: "include" }));
        told.push(["beacon", navigator.sendBeacon(url, body)]);
        return told;
    }, [base + path, body, kind]);
    for (const [way, outcome] of ways) {
        assert.ok(["opaque", "held back", true].includes(outcome), `${way} to ${path} from elsewhere is ${outcome}`);
    }
}

/** A form in the whole window, as only such a one takes cookies along. */
async function submit(page, base, { path, body, kind }, enctype) {
    const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().startsWith(base) && response.request().method() === "POST"),
        page.evaluate(([action, body, kind, enctype]) => {
            const form = document.createElement("form");
            Object.assign(form, { action, method: "post", enctype });
            const isJson = kind === "application/json";
            // A text/plain form sends NAME=VALUE: the well-known way to write JSON with it.
            const pairs = isJson ? [[`${body.slice(0, -1) || "{"},"x":"`, '"}']] : [...new URLSearchParams(body)];
            for (const [name, value] of pairs) {
                const field = document.createElement("input");
                Object.assign(field, { name, value });
                form.append(field);
            }
            document.body.append(form);
            form.submit();
        }, [base + path, body, kind, enctype]),
    ]);
    await page.waitForURL((url) => url.origin === base);
    assert.ok(answer.status() >= 400, `a form from elsewhere to ${path} as ${enctype} gets ${answer.status()}`);
}

/** Somebody who is signed in, or not, and comes to the other site. */
async function attack(site, origin, isSignedIn) {
    const visitor = await site.visitor();
    if (isSignedIn) await signIn(site, visitor);
    const before = await site.state();
    for (const change of await changes(site)) {
        await visitor.page.goto(origin);
        await send(visitor.page, site.base, change);
        for (const enctype of ["text/plain", "application/x-www-form-urlencoded"]) {
            await visitor.page.goto(origin);
            await submit(visitor.page, site.base, change, enctype);
        }
    }
    assert.deepEqual(await site.state(), before);
    const posts = visitor.requests.filter((one) => one.method() === "POST" && one.url().startsWith(site.base));
    for (const post of posts) {
        const answer = await post.response();
        const status = answer?.status() ?? 400;
        assert.ok(status >= 400, `${post.url()} from ${origin}: ${status}`);
    }
    assert.ok(posts.length > 10, "the requests did go out");
}

/** A fresh one for each check. */
function fromElsewhere(check) {
    return async (site) => {
        const elsewhere = await Elsewhere.start(site.base);
        try {
            await check(site, elsewhere);
        } finally {
            await elsewhere.stop();
        }
    };
}

export const checks = {
    "signing in gives the cookie that the others try": async (site) => {
        if (!site.values.token) return;
        const visitor = await site.visitor();
        await visitor.page.goto(site.base + "/");
        await visitor.page.locator("input[type=password]").fill(site.values.token);
        await visitor.page.keyboard.press("Enter");
        await eventually("the cookie", async () => (await visitor.context.cookies()).length > 0);
        site.cookies = await visitor.context.cookies();
    },

    "the page itself may change what others may not": async (site) => {
        const visitor = await site.visitor();
        await signIn(site, visitor);
        await visitor.open("/");
        const change = (action) => visitor.page.evaluate(async (path) => {
            const headers = { "Content-Type": "application/json" };
            return (await fetch(path, { method: "POST", headers })).status;
        }, `/api/shadows/next/${action}`);
        assert.equal(await change("pause"), 200);
        assert.equal((await site.shadow("next")).paused, true);
        assert.equal(await change("resume"), 200);
    },

    "a page of another site changes nothing": fromElsewhere(async (site, { origins }) => {
        // Where a token is set, what comes without the cookie is refused for that alone.
        const from = site.values.token ? origins.slice(0, 1) : origins;
        for (const origin of from) await attack(site, origin, false);
    }),

    "a page of another site changes nothing with the cookie": fromElsewhere(async (site, { origins }) => {
        if (!site.values.token) return;
        for (const origin of origins) await attack(site, origin, true);
    }),

    "no page can frame it": fromElsewhere(async (site, { origins }) => {
        const visitor = await site.visitor();
        await signIn(site, visitor);
        for (const origin of origins) {
            await visitor.page.goto(origin);
            await visitor.page.evaluate((src) => new Promise((resolve) => {
                const frame = document.createElement("iframe");
                frame.onload = resolve;
                frame.src = src;
                document.body.append(frame);
            }), `${site.base}/`);
            const framed = visitor.page.frames().find((frame) => frame !== visitor.page.mainFrame());
            const shown = await framed.evaluate(() => location.href);
            assert.match(shown, /^chrome-error:/, `${origin} frames the administration`);
        }
        const policy = (await fetch(`${site.base}/healthz`)).headers.get("content-security-policy");
        assert.match(policy, /frame-ancestors 'none'/);
    }),

    "a name that was made to point here gets nothing": async (site) => {
        const visitor = await site.visitor();
        const rebound = site.base.replace(/\/\/[^:/]+/, "//rebound.example");
        const answer = await visitor.page.goto(`${rebound}/`);
        if (!site.values.token) {
            assert.equal(answer.status(), 403);
            return;
        }
        // With a token the name is nobody's way in: this one has no cookie, as it is another site's.
        assert.ok([200, 401].includes(answer.status()), `${answer.status()}`);
        assert.equal(await visitor.page.locator("input[type=password]").count(), 1);
    },
};
