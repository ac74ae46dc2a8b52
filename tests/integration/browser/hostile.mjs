// Responses that try to become part of the page: shown as text, whatever they hold.

import assert from "node:assert/strict";
import { round } from "./live.mjs";
import { fits } from "./look.mjs";
import { walk } from "./walk.mjs";

const BYTES = 300_000;

/** What only the page itself may have made, and what nobody may have. */
const planted = () => {
    const found = [];
    const own = (url) => new URL(url).origin === location.origin;
    for (const script of document.scripts) {
        if (!script.src || !own(script.src)) found.push(script.outerHTML);
    }
    for (const one of document.querySelectorAll("*")) {
        const handlers = one.getAttributeNames().filter((name) => name.startsWith("on"));
        if (handlers.length > 0) found.push(one.outerHTML.slice(0, 200));
    }
    found.push(...[...document.querySelectorAll("img, iframe, object, embed, base, b, link:not([rel=stylesheet])")].map((one) => one.outerHTML));
    for (const link of document.querySelectorAll("[href], [action], [formaction], [src]")) {
        for (const name of ["href", "action", "formaction", "src"]) {
            const to = link.getAttribute(name);
            if (to !== null && !/^https?:$/.test(new URL(to, location.href).protocol)) found.push(link.outerHTML);
        }
    }
    return found;
};

/** Text whose direction a stranger chose may not turn what the page says beside it. */
const turned = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        if (!/[\u202a-\u202e\u2066-\u2069]/u.test(node.data)) continue;
        let one = node.parentElement;
        const stays = () => {
            const style = getComputedStyle(one);
            return style.unicodeBidi !== "normal" || style.display !== "inline";
        };
        while (!stays()) one = one.parentElement;
        const isAlone = getComputedStyle(one).unicodeBidi !== "normal" || one.textContent.trim() === node.data.trim();
        if (!isAlone && !["OPTION", "TITLE"].includes(one.tagName)) found.push(one.outerHTML.slice(0, 300));
    }
    return found;
};

const check = (options) => async (site) => {
    const visitor = await site.visitor(options);
    let texts = "";
    await walk(visitor, "/", async (path, answer) => {
        assert.deepEqual(await visitor.page.evaluate(planted), [], path);
        assert.deepEqual(await visitor.page.evaluate(turned), [], `${path} has text that turns what is beside it`);
        const bytes = (await answer.body()).length;
        assert.ok(bytes < BYTES, `${path} has ${bytes} bytes`);
        await fits(visitor.page, path);
        texts += await visitor.page.locator("body").innerText();
    });
    for (const text of ["<script>alert(1)</script>", "<img src=x onerror=alert(2)>"]) {
        assert.ok(texts.includes(text), `${text} is shown as text`);
    }
    visitor.unharmed();
};

export const checks = {
    "what strangers send is shown as text": check({}),

    "what strangers send does nothing where it is renewed": async (site) => {
        const visitor = await site.visitor();
        await visitor.page.clock.install();
        await visitor.open("/");
        for (let count = 0; count < 3; count += 1) {
            await site.traffic();
            await round(visitor);
        }
        assert.deepEqual(await visitor.page.evaluate(planted), []);
        visitor.unharmed();
    },

    "what a person writes is shown as text": async (site) => {
        const visitor = await site.visitor();
        const reason = '"><script>alert(3)</script><img src=x onerror=alert(4)>';
        const [report] = await site.reports();
        await visitor.open(`/causes/${report.causes[0].id}?shadow=${report.shadow}`);
        await visitor.page.getByLabel("Reason").fill(reason);
        await visitor.page.getByRole("button", { name: "Ignore" }).click();
        await visitor.page.getByText(reason).first().waitFor();
        await visitor.open("/rules");
        await visitor.page.getByText(reason).first().waitFor();
        assert.deepEqual(await visitor.page.evaluate(planted), []);
        for (const query of [`q=${encodeURIComponent(reason)}`, `shadow=${encodeURIComponent(reason)}`, "page=-1", "page=99999999999999999999", "state=%00"]) {
            const answer = await visitor.page.goto(`${site.base}/?${query}`);
            assert.ok([200, 404].includes(answer.status()), query);
            assert.deepEqual(await visitor.page.evaluate(planted), []);
        }
        visitor.unharmed(/status of 404/);
    },
};
