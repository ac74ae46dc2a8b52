// The address says which view it is, so that a link to it shows the same, and the browser's way back leads there.

import assert from "node:assert/strict";

/** The causes, or the rows, that the view shows. */
const shown = (page) => page.locator("main ol > li h3, main tbody th").allInnerTexts();

/** Another person opens the same address, and sees the same. */
async function isSameForOthers(site, page) {
    const other = await site.visitor({ javaScriptEnabled: false });
    await other.page.goto(page.url());
    assert.deepEqual(await shown(other.page), await shown(page), page.url());
    await other.leave();
}

export const checks = {
    "filters of the causes are in the address": async (site) => {
        const { page } = await site.visitor();
        await page.goto(site.base);
        const all = await shown(page);
        await page.getByLabel("With the text").fill("total");
        await page.getByRole("button", { name: "Show" }).click();
        await page.waitForURL(/[?&]q=total/);
        const [one] = await shown(page).then((texts) => texts.filter((text) => /total/.test(text)));
        assert.ok(one, "the one with this text");
        assert.ok((await shown(page)).length < all.length);
        assert.equal(await page.getByLabel("With the text").inputValue(), "total");
        await isSameForOthers(site, page);
        const filtered = page.url();

        await page.getByRole("link", { name: one }).first().click();
        await page.waitForURL(/\/causes\//);
        await page.goBack();
        assert.equal(page.url(), filtered);
        assert.ok((await shown(page)).includes(one));
        await page.goBack();
        assert.deepEqual(await shown(page), all);
        await page.goForward();
        assert.equal(page.url(), filtered);
    },

    "states and shadows are chosen by the address": async (site) => {
        const { page } = await site.visitor();
        await page.goto(site.base);
        await page.getByLabel("State").selectOption({ label: "not certain yet" });
        await page.getByRole("button", { name: "Show" }).click();
        await page.waitForURL(/state=/);
        assert.doesNotMatch(await page.locator("main ol").allInnerTexts().then((texts) => texts.join()), /confirmed/);
        await isSameForOthers(site, page);
        await page.goto(`${site.base}/?shadow=other`);
        assert.doesNotMatch((await shown(page)).join(), /total/);
        await page.goto(`${site.base}/?shadow=next`);
        assert.match((await shown(page)).join(), /total/);
    },

    "routes are sorted and sought by the address": async (site) => {
        const { page } = await site.visitor();
        await page.goto(`${site.base}/routes`);
        const all = await shown(page);
        await page.getByRole("link", { name: "route", exact: true }).click();
        await page.waitForURL(/sort=route/);
        const sorted = await shown(page);
        assert.deepEqual(sorted, [...sorted].sort());
        assert.equal(sorted.length, all.length);
        await page.getByLabel("With the text").fill("orders");
        await page.getByRole("button", { name: "Show" }).click();
        await page.waitForURL(/q=orders/);
        const found = await shown(page);
        assert.ok(found.length > 0 && found.length < all.length && found.every((route) => route.includes("orders")), `${found}`);
        assert.match(page.url(), /sort=route/);
        await isSameForOthers(site, page);
    },
};
