// A page that stays open: it keeps up with the traffic, moves nothing, loses nothing, and does not grow.

import assert from "node:assert/strict";
import { eventually } from "./site.mjs";

// Longer than the page waits between two rounds.
const ROUND = 6_000;

/** One round of the page's script, now. */
export async function round(visitor) {
    const isOne = (response) => response.request().headers()["x-shadowtee-live"] !== undefined;
    let isThere = false;
    const renewed = visitor.page.waitForResponse(isOne).finally(() => { isThere = true; });
    // Its timer may not be set yet, where the round before has only just ended.
    while (!isThere) await visitor.page.clock.fastForward(ROUND);
    await renewed;
}

/** Opens a page whose clock is the test's. */
async function opened(site, path) {
    const visitor = await site.visitor();
    await visitor.page.clock.install();
    await visitor.open(path);
    return visitor;
}

/** Rounds until something is there. */
const rounds = (visitor, what, look) => eventually(what, async () => {
    await round(visitor);
    return look();
});

async function someCause(site) {
    const [report] = await site.reports();
    return `/causes/${report.causes[0].id}?shadow=${report.shadow}`;
}

/** What the browser holds of a page once all that can go has gone. */
async function held(session) {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name) => metrics.find((metric) => metric.name === name).value;
    return { nodes: of("Nodes"), listeners: of("JSEventListeners"), heap: of("JSHeapUsedSize") };
}

export const checks = {
    "numbers change without a reload": async (site) => {
        const visitor = await opened(site, "/");
        const before = await visitor.heading();
        await visitor.page.evaluate(() => { window.isTheSame = true; });
        await site.traffic();
        await rounds(visitor, "another sentence", async () => await visitor.heading() !== before);
        assert.ok(await visitor.page.evaluate(() => window.isTheSame), "it was not loaded again");
        visitor.unharmed();
    },

    "what is written, open, marked or in focus stays, and nothing moves": async (site) => {
        const visitor = await opened(site, await someCause(site));
        const { page } = visitor;
        const reason = page.getByLabel("Reason");
        await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
        await reason.pressSequentially("half a rea");
        const look = () => page.evaluate(() => {
            const one = document.activeElement;
            return {
                name: one.name, value: one.value, caret: one.selectionStart, top: Math.round(one.getBoundingClientRect().top),
                scroll: Math.round(scrollY), closed: document.querySelectorAll("details:not([open])").length,
            };
        });
        const before = await look();
        assert.equal(before.value, "half a rea");
        const facts = await page.locator("#facts").innerText();
        await site.traffic();
        await rounds(visitor, "other facts", async () => await page.locator("#facts").innerText() !== facts);
        assert.deepEqual(await look(), before);
        visitor.unharmed();
    },

    "a link that has the focus keeps it": async (site) => {
        for (const path of ["/", "/shadows", "/routes"]) {
            const visitor = await opened(site, path);
            const link = visitor.page.locator("main a[href]").last();
            await link.focus();
            const look = () => visitor.page.evaluate(() => {
                const { href, isConnected } = document.activeElement;
                return { href, isConnected, top: Math.round(document.activeElement.getBoundingClientRect().top), scroll: scrollY };
            });
            const before = await look();
            for (let count = 0; count < 3; count += 1) {
                await site.traffic();
                await round(visitor);
            }
            assert.deepEqual(await look(), before, path);
            visitor.unharmed();
        }
    },

    "it says so when shadowtee does not answer, and goes on when it does": async (site) => {
        const visitor = await opened(site, "/");
        const state = visitor.page.locator("#live-state");
        await visitor.context.setOffline(true);
        await visitor.page.clock.fastForward(ROUND);
        await eventually("a word about it", async () => /does not answer/.test(await state.innerText()));
        await visitor.context.setOffline(false);
        await rounds(visitor, "no word about it", async () => await state.innerText() === "");
        visitor.unharmed(/ERR_INTERNET_DISCONNECTED/);
    },

    "two hundred rounds leave nothing behind": async (site) => {
        for (const path of ["/", await someCause(site)]) {
            const visitor = await opened(site, path);
            const session = await visitor.context.newCDPSession(visitor.page);
            await session.send("Performance.enable");
            for (let count = 0; count < 5; count += 1) await round(visitor);
            const before = await held(session);
            for (let count = 0; count < 200; count += 1) {
                if (count % 10 === 0) await site.traffic();
                await round(visitor);
            }
            const after = await held(session);
            const words = `${path}: ${JSON.stringify(before)} ${JSON.stringify(after)}`;
            assert.ok(after.nodes <= before.nodes * 1.5 + 100, words);
            assert.ok(after.listeners <= before.listeners + 5, words);
            assert.ok(after.heap <= before.heap + 2_000_000, words);
            visitor.unharmed();
        }
    },
};
