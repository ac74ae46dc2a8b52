// All pages: each opens, can be used by everybody, asks for nothing elsewhere, and looking at them changes nothing.

import assert from "node:assert/strict";
import { fits, isAccessible, isReachable } from "./look.mjs";
import { walk } from "./walk.mjs";

// What a page weighs at most.
const BYTES = 300_000;

/** The kinds of pages that there have to be, by what their addresses begin with. */
const KINDS = ["/causes/", "/routes", "/sessions", "/shadows", "/shadows/", "/rules"];

export const checks = {
    "the first view says how the upgrade does, and leads to the causes": async (site) => {
        const visitor = await site.visitor();
        await visitor.open("/");
        assert.match(await visitor.heading(), /\d/, "the sentence has its numbers");
        const [report] = await site.reports();
        for (const cause of report.causes.slice(0, 3)) {
            const link = visitor.page.getByRole("link", { name: cause.title }).first();
            const to = await link.getAttribute("href");
            assert.equal(to, `/causes/${cause.id}?shadow=${report.shadow}`);
            await link.click();
            await visitor.page.waitForURL(`${site.base}${to}`);
            assert.ok((await visitor.heading()).includes(cause.title), "a cause's page begins with its title");
            await visitor.page.goBack();
        }
        visitor.unharmed();
    },

    "each page opens, has one heading and a title of its own, and asks for nothing elsewhere": async (site) => {
        const before = await site.state();
        const visitor = await site.visitor();
        const titles = new Map();
        const pages = await walk(visitor, "/", async (path, answer) => {
            await visitor.heading();
            const title = await visitor.page.title();
            const where = path.split("?")[0];
            assert.ok(!titles.has(title) || titles.get(title) === where, `${path} and ${titles.get(title)} are both “${title}”`);
            titles.set(title, where);
            const bytes = (await answer.body()).length;
            assert.ok(bytes < BYTES, `${path} has ${bytes} bytes`);
            visitor.unharmed();
        });
        const missing = KINDS.filter((kind) => !pages.some((path) => path.startsWith(kind)));
        assert.deepEqual(missing, [], `pages that links lead to: ${pages.join(" ")}`);
        const others = visitor.requests.filter((request) => request.method() !== "GET");
        assert.deepEqual(others.map((request) => request.url()), []);
        // Nothing but looking was done.
        assert.deepEqual(await site.state(), before);
    },

    "each page opens without JavaScript": async (site) => {
        const visitor = await site.visitor({ javaScriptEnabled: false });
        await walk(visitor, "/", async () => {
            await visitor.heading();
            visitor.unharmed();
        });
    },

    "everybody can use each page": async (site) => {
        const visitor = await site.visitor();
        const kinds = new Set();
        await walk(visitor, "/", async (path) => {
            const [, kind, name] = path.split("?")[0].split("/");
            // One of a kind, as this takes the browser some seconds.
            const key = `${kind} ${name !== undefined}`;
            if (kinds.has(key)) return;
            kinds.add(key);
            await fits(visitor.page, path);
            await isAccessible(visitor.page, path);
            await isReachable(visitor.page, path);
        });
        visitor.unharmed();
    },

    "what is not there says so, as a page": async (site) => {
        const visitor = await site.visitor();
        for (const path of ["/causes/0000000000000000?shadow=next", "/causes/0000000000000000", "/shadows/none", "/?shadow=none"]) {
            await visitor.open(path, 404);
            await visitor.heading();
            assert.ok(await visitor.page.getByRole("link").count() > 0, `${path} leads back`);
        }
        visitor.unharmed(/status of 404/);
    },
};
