// What holds of each page, whatever it shows: for eyes, for screen readers, for keyboards, for small screens.

import assert from "node:assert/strict";
import { installed } from "./site.mjs";

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** axe-core finds nothing, in both colour schemes, on a desk and on a phone. */
export async function isAccessible(page, what) {
    await page.evaluate(installed("axe-core").source);
    for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const size of [DESKTOP, PHONE]) {
            await page.setViewportSize(size);
            const found = await page.evaluate(async (tags) => {
                const { violations } = await window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
                return violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes
                    .map((node) => `${node.html.slice(0, 300)}: ${node.any.map((one) => one.message).join("; ")}`).join("\n  ")}`);
            }, TAGS);
            assert.deepEqual(found, [], `axe-core on ${what}, ${colorScheme}, ${size.width} px`);
        }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(DESKTOP);
}

/** Nobody has to scroll sideways on a phone, but within what scrolls by itself. */
export async function fits(page, what) {
    await page.setViewportSize(PHONE);
    const wide = await page.evaluate(() => {
        const { clientWidth, scrollWidth } = document.documentElement;
        if (scrollWidth <= clientWidth) return [];
        const beyond = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
        return [`${scrollWidth} px`, ...beyond.slice(0, 5).map((one) => one.outerHTML.slice(0, 200))];
    });
    await page.setViewportSize(DESKTOP);
    assert.deepEqual(wide, [], `${what} is wider than a phone`);
}

/** Tab reaches each control in the order of the page, and shows where it is. */
export async function isReachable(page, what) {
    const wanted = await page.evaluate(() => {
        const all = document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary");
        const seen = [...all].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled);
        seen.forEach((one, at) => one.setAttribute("data-at", at));
        // From the top, whatever has the focus now.
        document.activeElement?.blur();
        window.getSelection().removeAllRanges();
        window.scrollTo(0, 0);
        return seen.map((one) => one.outerHTML.slice(0, 120));
    });
    await page.evaluate(() => {
        const top = document.createElement("span");
        top.tabIndex = -1;
        document.body.prepend(top);
        top.focus();
        top.remove();
    });
    const reached = [];
    for (let presses = 0; presses < wanted.length * 2 + 10 && reached.length < wanted.length; presses += 1) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
            const one = document.activeElement;
            const style = getComputedStyle(one);
            const box = one.getBoundingClientRect();
            const hasOutline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
            const isSeen = hasOutline || style.boxShadow !== "none";
            const isInView = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
            return { at: one.dataset.at, isSeen, isInView, html: one.outerHTML.slice(0, 200) };
        });
        // What scrolls by itself; and a date, which has several stops.
        if (at.at === undefined || Number(at.at) === reached.at(-1)) continue;
        assert.ok(at.isSeen, `${what}: the focus is not seen on ${at.html}`);
        assert.ok(at.isInView, `${what}: the focus is out of view on ${at.html}`);
        reached.push(Number(at.at));
    }
    const order = wanted.map((_, at) => at);
    const missed = order.filter((at) => !reached.includes(at)).map((at) => wanted[at]);
    assert.deepEqual(missed, [], `${what}: Tab does not reach`);
    assert.deepEqual(reached, order, `${what}: the order of Tab is that of the page`);
}
